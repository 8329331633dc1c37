"""The catalog: resolving, reloading, and keeping the last good version."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import TopologyInvalid, TopologyUnknown
from medkg_topology.catalog import Catalog, lint
from medkg_topology.changes import Loaded, Refused, Removed
from medkg_topology.plan import Plan, StageNode
from medkg_topology.render import plan_text
from medkg_topology.snapshot import load_policies, load_topology

POLICIES = "policies:\n  default: {timeout: 30s, attempts: 1}\n"


class Folder:
    """A folder of topologies that a test edits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "pipelines").mkdir(exist_ok=True)
        self.policies(POLICIES)

    def policies(self, text: str) -> None:
        """Writes the policies file."""
        (self.path / "policies.yaml").write_text(text)

    def put(self, name: str, version: str = "1.0", sources: str = "", fields: str = "") -> None:
        """Writes a topology of one stage."""
        self.write(
            f"{name}.yaml",
            f'version: "{version}"\nname: {name}\napplicable_sources: [{sources}]\n'
            f"stages:\n  - {{name: ingest, type: IngestStage{fields}}}\n",
        )

    def write(self, file: str, text: str) -> None:
        """Writes any file among the pipelines."""
        (self.path / "pipelines" / file).write_text(text)

    def remove(self, file: str) -> None:
        """Deletes one of them."""
        (self.path / "pipelines" / file).unlink()

    def file(self, name: str) -> str:
        """The path of one of them, as messages give it."""
        return (self.path / "pipelines" / name).as_posix()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_resolve_by_name(folder: Folder) -> None:
    """A job that names a topology gets it, whatever its source."""
    folder.put("a", sources="ctgov")

    assert Catalog(folder.path).resolve("a", "pmc").name == "a"


def test_resolve_by_source(folder: Folder) -> None:
    """A job that names none gets the one that takes its source."""
    folder.put("a", sources="ctgov")
    folder.put("b", sources="pmc, core")

    assert Catalog(folder.path).resolve(None, "core").name == "b"


def test_unknown_name(folder: Folder) -> None:
    """The error lists what there is."""
    folder.put("trials")

    with pytest.raises(TopologyUnknown) as caught:
        Catalog(folder.path).resolve("trial", "ctgov")

    assert str(caught.value) == "there is no topology 'trial' (did you mean 'trials'?); there are: trials"


def test_unknown_source(folder: Folder) -> None:
    """The error lists what is taken."""
    folder.put("trials", sources="ctgov")

    with pytest.raises(TopologyUnknown) as caught:
        Catalog(folder.path).resolve(None, "pmc")

    assert str(caught.value) == "no topology takes the source 'pmc'; taken are: ctgov"


@pytest.mark.parametrize(("name", "source"), [("a", "x"), (None, "ctgov")])
def test_a_broken_topology_without_a_good_version_gives_its_own_error(
    folder: Folder, name: str | None, source: str
) -> None:
    """By name or by source, the job learns what is wrong with the file."""
    folder.put("a", sources="ctgov", fields=", policy: fast")

    with pytest.raises(TopologyInvalid) as caught:
        Catalog(folder.path).resolve(name, source)

    assert str(caught.value) == (
        f"{folder.file('a.yaml')}:5: stages[0].policy: there is no policy 'fast'. "
        "Remedy: Use one of default, or add it to policies.yaml."
    )


def test_broken_yaml_is_found_by_the_files_name(folder: Folder) -> None:
    """A file that cannot be read at all is still the topology that its name says."""
    folder.write("a.yaml", "stages: [")

    with pytest.raises(TopologyInvalid, match=r"a\.yaml:1: file: is not YAML"):
        Catalog(folder.path).resolve("a", "ctgov")


def test_two_topologies_that_claim_a_source_are_both_named(folder: Folder) -> None:
    """From the start, neither of the two gets the source's jobs."""
    folder.put("a", sources="ctgov")
    folder.put("b", sources="pmc, ctgov")
    catalog = Catalog(folder.path)

    with pytest.raises(TopologyInvalid) as caught:
        catalog.resolve(None, "ctgov")

    a, b = folder.file("a.yaml"), folder.file("b.yaml")
    remedy = "Remedy: Leave the source in one topology alone."
    assert str(caught.value).splitlines() == [
        f"{a}:3: applicable_sources[0]: the source 'ctgov' is also claimed by 'b' ({b}:3). {remedy}",
        f"{b}:3: applicable_sources[1]: the source 'ctgov' is also claimed by 'a' ({a}:3). {remedy}",
    ]


def test_disputed_topologies_still_serve_by_name_and_by_their_other_sources(folder: Folder) -> None:
    """Only the disputed source is refused."""
    folder.put("a", sources="ctgov")
    folder.put("b", sources="pmc, ctgov")
    catalog = Catalog(folder.path)

    assert ["a", "b"] == [catalog.resolve("a", "ctgov").name, catalog.resolve(None, "pmc").name]


def test_a_source_stays_with_the_topology_that_had_it(folder: Folder) -> None:
    """A file that claims a running topology's source is refused; the running one goes on."""
    folder.put("b", sources="ctgov")
    catalog = Catalog(folder.path)
    folder.put("a", sources="ctgov")

    changes = catalog.reload()

    assert [("a", "the source 'ctgov' is also claimed by 'b' ({}:3)".format(folder.file("b.yaml")))] == [
        (change.name, change.problems[0].message) for change in changes if isinstance(change, Refused)
    ]
    assert catalog.resolve(None, "ctgov").name == "b"


def test_a_source_can_move(folder: Folder) -> None:
    """When one file lets a source go and another takes it, the jobs follow."""
    folder.put("a", sources="ctgov")
    folder.put("b")
    catalog = Catalog(folder.path)
    folder.put("a")
    folder.put("b", sources="ctgov")

    catalog.reload()

    assert catalog.sources == {"ctgov": "b"}


def test_reload_without_an_edit_reports_nothing(folder: Folder) -> None:
    """Only what is different is a change."""
    folder.put("a")
    folder.write("b.yaml", "")

    assert Catalog(folder.path).reload() == ()


def test_an_edit_is_loaded(folder: Folder) -> None:
    """New jobs get the new version at once, and the change names its digest."""
    folder.put("a")
    catalog = Catalog(folder.path)
    old = catalog.resolve("a", "x")
    folder.put("a", version="2.0")

    changes = catalog.reload()

    new = catalog.resolve("a", "x")
    assert (Loaded(folder.file("a.yaml"), "a", new.digest),) == changes
    assert ("1.0", "2.0") == (old.version, new.version)


def test_an_edit_of_a_comment_is_no_change(folder: Folder) -> None:
    """The same plan from another text is the same version."""
    folder.put("a")
    catalog = Catalog(folder.path)
    path = folder.path / "pipelines" / "a.yaml"
    path.write_text("# a comment\n" + path.read_text())

    assert catalog.reload() == ()


def test_a_broken_edit_keeps_the_last_good_version(folder: Folder) -> None:
    """The refusal is reported with the digest that stays in use."""
    folder.put("a", sources="ctgov")
    catalog = Catalog(folder.path)
    good = catalog.resolve("a", "x")
    folder.write("a.yaml", "name: a\n")

    (change,) = catalog.reload()

    assert isinstance(change, Refused)
    assert (good.digest, "a topology needs the field 'version'") == (change.kept, change.problems[0].message)
    assert good == catalog.resolve(None, "ctgov")


def test_a_repaired_file_is_reported(folder: Folder) -> None:
    """Back to the same version, the refusal is over."""
    folder.put("a")
    catalog = Catalog(folder.path)
    folder.write("a.yaml", "")
    catalog.reload()
    folder.put("a")

    assert (Loaded(folder.file("a.yaml"), "a", catalog.plans["a"].digest),) == catalog.reload()


def test_a_removed_file_is_gone(folder: Folder) -> None:
    """Its topology takes no new jobs."""
    folder.put("a")
    catalog = Catalog(folder.path)
    folder.remove("a.yaml")

    assert (Removed(folder.file("a.yaml"), "a"),) == catalog.reload()
    with pytest.raises(TopologyUnknown):
        catalog.resolve("a", "x")


def test_a_missing_folder_removes_nothing(folder: Folder, tmp_path: Path) -> None:
    """An unmounted folder is a fault of its own; the topologies stay."""
    folder.put("a")
    catalog = Catalog(folder.path)
    (tmp_path / "pipelines").rename(tmp_path / "elsewhere")

    (change,) = catalog.reload()

    assert isinstance(change, Refused)
    assert change.problems[0].message == "cannot be read: No such file or directory"
    assert catalog.resolve("a", "x").name == "a"


def test_new_policies_are_new_versions(folder: Folder) -> None:
    """An edit of the policies reloads every topology that uses them."""
    folder.put("a")
    catalog = Catalog(folder.path)
    folder.policies(POLICIES.replace("30s", "31s"))

    assert ["policies", "a"] == [change.name for change in catalog.reload() if isinstance(change, Loaded)]


def test_an_edit_of_what_a_policy_spares_is_a_new_version(folder: Folder) -> None:
    """New jobs keep to the new rate, and the plan that a running job has is not touched."""
    entry = "policies:\n  default: {{timeout: 30s, attempts: 1, rate: {}}}\n"
    folder.policies(entry.format("5/s"))
    folder.put("a")
    catalog = Catalog(folder.path)
    old = catalog.resolve("a", "x")
    folder.policies(entry.format("6/s"))

    catalog.reload()

    new = catalog.resolve("a", "x")
    assert old.digest != new.digest
    assert ["5/s by all replicas", "6/s by all replicas"] == [rate_of(plan) for plan in (old, new)]


def test_jobs_are_resolved_while_policies_are_reloaded(folder: Folder) -> None:
    """Whatever the moment, a job gets a whole version: the one before an edit or the one behind it."""
    folder.put("a")
    catalog = Catalog(folder.path)
    reloaded = Event()

    def resolve() -> set[float]:
        found = {timeout_of(catalog)}
        while not reloaded.is_set():
            found.add(timeout_of(catalog))
        return found

    with ThreadPoolExecutor() as threads:
        jobs = [threads.submit(resolve) for _ in range(3)]
        for number in range(30):
            folder.policies(POLICIES.replace("30s", f"{30 + number}s") if number % 3 else "policies: {}")
            catalog.reload()
        reloaded.set()

    written = {30.0 + number for number in range(30) if number % 3} | {30.0}
    assert [set(), set(), set()] == [job.result() - written for job in jobs]
    assert 59.0 == timeout_of(catalog)


def rate_of(plan: Plan) -> str:
    """What the plan's text says of the rate of its only stage."""
    return plan_text(plan).splitlines()[-1].split(maxsplit=1)[1]


def timeout_of(catalog: Catalog) -> float:
    """The timeout that a new job's stage gets."""
    (node,) = catalog.resolve("a", "x").nodes
    assert isinstance(node, StageNode)
    return node.policy.timeout_s


def test_broken_policies_keep_the_last_good_ones(folder: Folder) -> None:
    """The topologies go on with the policies that they had, and edits of them still load."""
    folder.put("a")
    catalog = Catalog(folder.path)
    folder.policies("policies: {}")
    folder.put("a", version="2.0")

    changes = catalog.reload()

    assert [Refused, Loaded] == [type(change) for change in changes]


def test_a_policy_that_goes_missing_keeps_the_topology(folder: Folder) -> None:
    """A topology whose policy was removed is refused and its last good version kept."""
    folder.policies(POLICIES + "  bulk: {timeout: 1m, attempts: 1}\n")
    folder.put("a", fields=", policy: bulk")
    catalog = Catalog(folder.path)
    folder.policies(POLICIES)

    catalog.reload()

    assert catalog.resolve("a", "x").version == "1.0"


def test_without_policies_every_topology_reports_their_error(folder: Folder) -> None:
    """Policies that were never good are the reason that a job sees."""
    folder.policies("policies: {}")
    folder.put("a")

    with pytest.raises(TopologyInvalid, match=r"policies\.yaml:1: policies: there are none"):
        Catalog(folder.path).resolve("a", "x")


def test_a_file_with_the_wrong_ending_is_refused(folder: Folder) -> None:
    """A .yml file is reported, not silently left out."""
    folder.write("a.yml", "name: a\n")

    assert [f"{folder.file('a.yml')}:1: file: its name must end in .yaml. Remedy: Rename it to a.yaml."] == [
        str(problem) for problem in lint(folder.path)
    ]


def test_editors_hidden_files_are_left_alone(folder: Folder) -> None:
    """Swap and backup files beside a topology are none."""
    folder.put("a")
    folder.write(".a.yaml", "broken: [")
    folder.write("a.yaml~", "broken: [")

    assert lint(folder.path) == ()


def test_a_folder_in_a_files_place_is_refused(folder: Folder) -> None:
    """What cannot be read is reported with the system's reason."""
    (folder.path / "pipelines" / "a.yaml").mkdir()

    assert [problem.message for problem in lint(folder.path)] == ["cannot be read: Is a directory"]


def test_lint_reports_every_file(folder: Folder) -> None:
    """Problems of all files come in order of file and line."""
    folder.write("b.yaml", "")
    folder.write("a.yaml", "name: A\nversion: '1'\nstages: []\n")

    expected = [("a.yaml", 1), ("a.yaml", 3), ("b.yaml", 1)]
    assert expected == [(Path(problem.file).name, problem.line) for problem in lint(folder.path)]


def test_a_single_file_can_be_compiled(folder: Folder) -> None:
    """A file is checked against a policies file without a catalog."""
    folder.put("a")
    policies = load_policies(folder.path / "policies.yaml").policies

    assert load_topology(folder.path / "pipelines" / "a.yaml", policies).require().name == "a"


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["good", "broken", "empty", "unknown policy", "truncated", "policies", "bad policies"]),
        st.integers(1, 3),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(EDITS)
def test_no_edits_lose_the_last_good_version(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, str, int]]
) -> None:
    """Whatever is written, each topology that was good once resolves to its last good version."""
    folder = Folder(tmp_path_factory.mktemp("topologies"))
    catalog = Catalog(folder.path)
    good: dict[str, str] = {}
    timeout = {"now": 30}
    for name, kind, number in edits:
        match kind:
            case "good":
                folder.put(name, version=str(number))
                good[name] = str(number)
            case "broken":
                folder.write(f"{name}.yaml", "a: [")
            case "empty":
                folder.write(f"{name}.yaml", "")
            case "unknown policy":
                folder.put(name, version="9", fields=", policy: no-such")
            case "truncated":
                folder.write(f"{name}.yaml", f'version: "9"\nname: {name}\nsta')
            case "policies":
                timeout["now"] = number
                folder.policies(f"policies:\n  default: {{timeout: {number}s, attempts: 1}}\n")
            case "bad policies":
                folder.policies("policies:\n  default: {timeout: 0s, attempts: 1}\n")

        catalog.reload()

        assert good == {name: plan.version for name, plan in catalog.plans.items()}
        assert all(catalog.resolve(name, "x").name == name for name in good)
