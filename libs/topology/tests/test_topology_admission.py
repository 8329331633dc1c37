"""Admission settings: their values, their refusals, and how a catalog keeps them up to date."""

from pathlib import Path

import pytest
from medkg_topology.admission import Admission, CompiledAdmission, compile_admission
from medkg_topology.catalog import Catalog, lint
from medkg_topology.changes import Loaded, Refused, Removed
from medkg_topology.source import read_source

SERVICES = ("ingest", "index")
TOPOLOGY = 'version: "1.0"\nname: a\nstages:\n  - {name: ingest, type: IngestStage}\n'


def compiled(text: str, services: tuple[str, ...] | None = SERVICES) -> CompiledAdmission:
    return compile_admission(read_source("admission.yaml", text.encode()), services)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one topology, whose only service is ingest."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "policies.yaml").write_text("policies:\n  default: {timeout: 30s, attempts: 1}\n")
    (tmp_path / "pipelines" / "a.yaml").write_text(TOPOLOGY)
    return tmp_path


def test_values() -> None:
    """Windows and weights are what the file says."""
    text = "window: 100\nwindows: {index: 128}\ntenants:\n  acme: {weight: 3}\n"

    assert Admission(100, {"index": 128}, {"acme": 3}) == compiled(text).admission


def test_what_a_file_leaves_out_has_its_default() -> None:
    """A file with tenants alone has the usual windows."""
    assert Admission(256, {}, {"acme": 3}) == compiled("tenants: {acme: {weight: 3}}\n").admission


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "windows: {indx: 128}\n",
            (
                "admission.yaml:1: windows.indx: no topology uses a stage service 'indx' (did you mean 'index'?). "
                "Remedy: Use one of index, ingest, or leave it out."
            ),
        ),
        (
            "window: 0\n",
            "admission.yaml:1: window: must be at least 1, not 0. Remedy: Write, for example, `window: 256`.",
        ),
        (
            "windows:\n  index: 1000000\n",
            (
                "admission.yaml:2: windows.index: must be at most 100000, not 1000000. "
                "Remedy: Write, for example, `windows: {index: 128}`."
            ),
        ),
        (
            "window: 256\nwidnow: 3\n",
            (
                "admission.yaml:2: widnow: the admission file has no field 'widnow' (did you mean 'window'?). "
                "Remedy: Its fields are window, windows, tenants."
            ),
        ),
        (
            "tenants: {acme: 3}\n",
            (
                "admission.yaml:1: tenants.acme: must be a mapping of fields, not the number 3. "
                "Remedy: Write it as the schema of a tenant says."
            ),
        ),
        (
            "tenants:\n  acme:\n    weight: 0\n",
            (
                "admission.yaml:3: tenants.acme.weight: must be at least 1, not 0. "
                "Remedy: Write, for example, `weight: 3`."
            ),
        ),
        (
            "tenants: {acme: {}}\n",
            (
                "admission.yaml:1: tenants.acme.weight: a tenant needs the field 'weight'. "
                "Remedy: Write, for example, `weight: 3`."
            ),
        ),
        (
            "tenants: {Acme Ltd: {weight: 3}}\n",
            (
                "admission.yaml:1: tenants.Acme Ltd: 'Acme Ltd' is no valid tenant: its id becomes part of index "
                "names. Remedy: Use lower-case letters, digits and '-', at most 63 in all."
            ),
        ),
        (
            "tenants:\n  acme: {weight: 3}\n  acme: {weight: 4}\n",
            "admission.yaml:3: tenants.acme: stands twice; first on line 2. Remedy: Leave one of the two out.",
        ),
        (
            "# all of it is a comment\n",
            "admission.yaml:1: file: is empty. Remedy: Write it as the schema in topologies/schema says.",
        ),
    ],
)
def test_refusal(text: str, expected: str) -> None:
    """Each fault has its own message with line and field, and the file is refused."""
    found = compiled(text)

    assert (None, [expected]) == (found.admission, [str(problem) for problem in found.problems])


def test_all_faults_are_reported_in_order_of_line() -> None:
    """An unknown service and a wrong shape are found in one go."""
    found = compiled("tenants: {acme: {weight: 0}}\nwindows: {indx: 1}\nwindow: 0\n")

    assert ["tenants.acme.weight", "windows.indx", "window"] == [problem.field for problem in found.problems]


def test_any_service_may_have_a_window_while_a_topology_cannot_be_read() -> None:
    """A fault in a topology is not blamed on the windows of its services."""
    assert Admission(windows={"chunk": 3}) == compiled("windows: {chunk: 3}\n", None).admission


def test_without_a_file_the_defaults_hold(folder: Path) -> None:
    """The file is optional: nothing is reported about it."""
    catalog = Catalog(folder)

    assert Admission(256, {}, {}) == catalog.admission
    assert ["policies", "a"] == [status.name for status in catalog.status()]


def test_an_edit_is_loaded(folder: Path) -> None:
    """New settings hold after a reload, which reports them once."""
    catalog = Catalog(folder)
    file = folder / "admission.yaml"
    file.write_text("windows: {ingest: 9}\n")

    (change,) = catalog.reload()

    assert isinstance(change, Loaded)
    assert (file.as_posix(), "admission") == (change.file, change.name)
    assert (Admission(windows={"ingest": 9}), ()) == (catalog.admission, catalog.reload())


def test_a_broken_edit_keeps_the_last_good_settings(folder: Path) -> None:
    """The refusal is reported with the digest that stays in use, and topologies go on."""
    file = folder / "admission.yaml"
    file.write_text("window: 9\n")
    catalog = Catalog(folder)
    good = next(status for status in catalog.status() if status.name == "admission")
    file.write_text("window: many\n")

    (change,) = catalog.reload()

    assert isinstance(good, Loaded)
    assert isinstance(change, Refused)
    assert (good.digest, "must be a whole number, not the text 'many'") == (change.kept, change.problems[0].message)
    assert (9, "a") == (catalog.admission.window, catalog.resolve("a", "x").name)


def test_settings_that_never_were_good_are_the_defaults(folder: Path) -> None:
    """A file that was broken from the start is refused and changes nothing."""
    (folder / "admission.yaml").write_text("window: 0\n")

    catalog = Catalog(folder)

    assert Admission() == catalog.admission
    assert [("admission", None)] == [(s.name, s.kept) for s in catalog.status() if isinstance(s, Refused)]


def test_a_removed_file_is_gone(folder: Path) -> None:
    """Without its file the defaults hold again, and the removal is reported."""
    file = folder / "admission.yaml"
    file.write_text("window: 9\n")
    catalog = Catalog(folder)
    file.unlink()

    assert (Removed(file.as_posix(), "admission"),) == catalog.reload()
    assert Admission() == catalog.admission


def test_a_missing_folder_keeps_the_settings(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An unmounted folder is no removal."""
    (folder / "admission.yaml").write_text("window: 9\n")
    catalog = Catalog(folder)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for path in list(folder.iterdir()):
        path.rename(elsewhere / path.name)

    catalog.reload()

    assert 9 == catalog.admission.window


def test_lint_reports_a_window_of_no_service(folder: Path) -> None:
    """The services are those of the folder's topologies."""
    (folder / "admission.yaml").write_text("windows: {index: 9}\n")

    assert ["windows.index"] == [problem.field for problem in lint(folder)]


def test_a_service_of_a_broken_topology_may_have_a_window(folder: Path) -> None:
    """Of a topology that never was good, nobody knows the services."""
    (folder / "admission.yaml").write_text("windows: {chunk: 9}\n")
    (folder / "pipelines" / "b.yaml").write_text("stages: [")

    assert {"chunk": 9} == Catalog(folder).admission.windows
