"""A new stage's package is complete, and as good as those that are there."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.stages import ARTIFACT_TYPES
from medkg_operations.new_stage import StagePackage, in_workspace, write

ROOT = Path(__file__).parents[3]
THINGS = StagePackage("things", "medkg_things", ["document"], ["things"])
LINKS = StagePackage("link-terms", "medkg_link_terms", ["document", "chunks"], ["payloads", "sum-of-all", "chunks"])
#: One for each form that the code can take: all artifacts, long lines, nothing of its own, what it is given.
STAGES = [
    THINGS,
    LINKS,
    StagePackage(
        "long", "medkg_long", ["payloads", "validation", "index_receipt", "graph_receipt"], ["first", "second"]
    ),
    StagePackage("vectors", "medkg_vectors", ["embeddings", "sparse_vectors"], ["nearest"]),
    StagePackage("lists", "medkg_lists", ["entities", "claims"], ["claims", "chunks"]),
    StagePackage("rewrite", "medkg_rewrite", ["request", "document"], ["document"]),
    StagePackage("early", "medkg_early", ["request"], ["early"]),
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the rules of this workspace, and the packages in their places."""
    root: Path = tmp_path_factory.mktemp("workspace")
    shutil.copy(ROOT / "pyproject.toml", root)
    for stage in STAGES:
        write(stage, root / "services" / stage.name)
    return root


def run(root: Path, *words: str, **environment: str) -> str:
    """What a tool prints if it has something to complain of."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=root,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_all_artifacts_are_tried() -> None:
    """The packages of these tests are given every artifact that there is."""
    assert ARTIFACT_TYPES.keys() == {name for stage in STAGES for name in stage.inputs}


def test_style_and_format_are_those_of_the_workspace(workspace: Path) -> None:
    """Ruff finds nothing to complain of, and nothing to format."""
    assert "" == run(workspace, "ruff", "check", "--no-cache")
    assert "" == run(workspace, "ruff", "format", "--check", "--no-cache")


def test_types_are_strict(workspace: Path) -> None:
    """Mypy is content with the code and the tests, strictly."""
    folders = [f"services/{stage.name}" for stage in STAGES]
    code = [f"services/{stage.name}/{stage.module}" for stage in STAGES]
    tests = [f"{folder}/tests" for folder in folders]

    assert "" == run(workspace, "mypy", "--strict", *code, *tests, MYPYPATH=":".join(folders))


def test_its_description_is_declared_once_for_image_and_package(workspace: Path) -> None:
    """The package's metadata and the service's declaration say the same."""
    folder = workspace / "services" / "things"

    assert 'description = "Makes things"\n' in (folder / "pyproject.toml").read_text()
    assert 'description="Makes things",\n' in (folder / "medkg_things" / "app.py").read_text()


def test_a_topology_can_use_it() -> None:
    """The lines for a topology name the stages that make what it is given."""
    assert [
        "- name: link-terms",
        "  type: Stage",
        "  depends_on: [parse, chunk]",
        "  inputs: [document, chunks]",
        "  outputs: [payloads, sum-of-all, chunks]",
    ] == LINKS.topology_lines()


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"name": "Things"}, "'Things' cannot be a name"),
        ({"name": "../things"}, "cannot be a name"),
        ({"module": "acme-things"}, "'acme-things' cannot be a Python package"),
        ({"inputs": ["documents"]}, "no stage of a known type makes 'documents'"),
        ({"inputs": []}, "a stage takes something and makes something"),
        ({"outputs": []}, "a stage takes something and makes something"),
        ({"outputs": ["class"]}, "'class' is a word of Python"),
        ({"outputs": ["graph_receipt"]}, "'graph_receipt' is one GraphReceipt"),
        ({"outputs": ["a-b", "a_b"]}, "two things of the stage would be called AB"),
        ({"outputs": ["things-settings"]}, "two things of the stage would be called ThingsSettings"),
        ({"outputs": ["contract"]}, "two things of the stage would be called Contract"),
    ],
)
def test_what_cannot_be_a_stage_is_refused(changed: Mapping[str, Any], problem: str) -> None:
    """A name that cannot be used, or an artifact that nobody knows, is named; nothing is written."""
    words = {"name": "things", "module": "acme_things", "inputs": ["document"], "outputs": ["things"]}

    with pytest.raises(ConfigurationError, match=problem):
        StagePackage(**words | changed)


def test_an_unknown_artifact_is_told_which_there_are() -> None:
    """Whoever misspells an artifact is told all that there are, with their types."""
    with pytest.raises(ConfigurationError) as refused:
        StagePackage("things", "acme_things", ["chunk"], ["things"])

    assert "document (Document)" in refused.value.info.remedy
    assert "chunks (list[Chunk])" in refused.value.info.remedy


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder in which there is something, and a file of that name, are left as they are."""
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("things", "file"):
        with pytest.raises(ConfigurationError, match="is there already"):
            write(THINGS, tmp_path / name)

    assert ["mine.txt"] == [path.name for path in (tmp_path / "things").iterdir()]


def test_a_stage_does_not_get_the_topics_of_another(tmp_path: Path) -> None:
    """The name of a stage that is installed, also of one that stands beside another, is refused."""
    with pytest.raises(ConfigurationError, match="there is a stage 'expand' already"):
        write(StagePackage("expand", "acme_expand", ["document"], ["things"]), tmp_path / "expand")


@pytest.mark.parametrize(
    ("pyproject", "expected"),
    [('[project]\nname = "medkg"\n', True), ('[project]\nname = "trials"\n', False), ("", False)],
)
def test_a_checkout_is_known_by_its_project(tmp_path: Path, pyproject: str, expected: bool) -> None:
    """The root of a checkout of medkg has services, and a project of that name."""
    (tmp_path / "services").mkdir()
    (tmp_path / "pyproject.toml").write_text(pyproject)

    assert expected is in_workspace(tmp_path)
