"""`medkg topology` on a folder of topologies."""

import json
import shutil
from pathlib import Path

import pytest
from medkg_cli.app import build
from typer.testing import CliRunner, Result

pytestmark = pytest.mark.usefixtures("folder")

TRIALS = """\
version: "1.0"
name: trials
applicable_sources: [ctgov]
stages:
  - name: ingest
    type: IngestStage
  - name: parse
    type: ParseStage
    depends_on: [ingest]
"""

POLICIES = "policies:\n  default:\n    timeout: 30s\n    attempts: 1\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one topology, which the settings name."""
    found = tmp_path / "topologies"
    (found / "pipelines").mkdir(parents=True)
    (found / "policies.yaml").write_text(POLICIES)
    (found / "pipelines" / "trials.yaml").write_text(TRIALS)
    monkeypatch.setenv("MK_TOPOLOGIES", str(found))
    monkeypatch.chdir(tmp_path)
    return found


def medkg(*words: str) -> Result:
    return CliRunner().invoke(build("topology"), ["topology", *words])


def test_list_shows_each_topology():
    """The list has each topology with its stages and sources."""
    (row,) = json.loads(medkg("list", "--json").stdout)
    assert ("trials", "ingest parse", "ctgov", "ok") == (row["topology"], row["stages"], row["sources"], row["state"])


def test_list_shows_a_refused_file(folder: Path):
    """A file that was refused is listed as such."""
    (folder / "pipelines" / "bad.yaml").write_text("name: bad")
    states = {row["topology"]: row["state"] for row in json.loads(medkg("list", "--json").stdout)}
    assert {"trials": "ok", "bad": "refused"} == states


def test_lint_of_a_good_folder(folder: Path):
    """A folder without fault ends with 0."""
    result = medkg("lint")
    assert (0, f"{folder}: 1 topologies, nothing wrong\n") == (result.exit_code, result.stdout)


def test_lint_names_file_and_line(folder: Path):
    """A fault is a line with file, line, field and remedy, and ends with 5."""
    (folder / "pipelines" / "trials.yaml").write_text(TRIALS.replace("[ingest]", "[nobody]"))
    result = medkg("lint")
    assert 5 == result.exit_code
    assert f"{folder}/pipelines/trials.yaml:9: stages[1].depends_on" in result.stdout


def test_lint_of_no_folder(folder: Path):
    """A folder that is not there is an error, not a folder without fault."""
    result = medkg("lint", str(folder / "none"))
    assert 5 == result.exit_code
    assert "there is no folder" in result.stderr


def test_render_shows_topics():
    """The effective plan names each stage's topics."""
    assert "parse.queue.v1" in medkg("render", "trials").stdout


def test_graph_draws_stages():
    """The drawing has a line for each stage."""
    assert "○  ingest  request → payloads\n○  parse  payloads → document\n" == medkg("graph", "trials").stdout


def test_graph_is_mermaid_too():
    """For documents the graph is a Mermaid flowchart."""
    assert medkg("graph", "trials", "--mermaid").stdout.startswith("flowchart TD\n")


def test_schema_is_json():
    """The schema for editors is JSON."""
    assert "$schema" in json.loads(medkg("schema").stdout)


def test_schemas_can_be_written(folder: Path):
    """All schemas can be written into a folder."""
    assert 0 == medkg("schema", "--write", "schema").exit_code
    assert (folder.parent / "schema" / "topology.json").is_file()


def test_an_unknown_topology_is_not_found():
    """A name that nobody has ends with 3 and tells those that there are."""
    result = medkg("render", "trails")
    assert 3 == result.exit_code
    assert "did you mean 'trials'" in result.stderr


def test_diff_of_a_frozen_version_and_the_current(folder: Path):
    """What was changed since a version was frozen is told stage by stage."""
    frozen = folder / "versions" / "2026-11-01"
    shutil.copytree(folder / "pipelines", frozen / "pipelines")
    (frozen / "policies.yaml").write_text(POLICIES.replace("30s", "10s"))
    changes = json.loads(medkg("diff", "trials@2026-11-01", "--json").stdout)["changes"]
    assert ["stage 'ingest': timeout was 10s and is 30s", "stage 'parse': timeout was 10s and is 30s"] == changes


def test_diff_of_two_files(folder: Path):
    """Two files are compared under the policies beside them."""
    other = folder.parent / "other" / "pipelines" / "trials.yaml"
    other.parent.mkdir(parents=True)
    other.write_text(TRIALS.replace('"1.0"', '"2.0"'))
    changes = json.loads(medkg("diff", str(folder / "pipelines/trials.yaml"), str(other), "--json").stdout)["changes"]
    assert ["the version was 1.0 and is 2.0"] == changes


def test_diff_with_itself():
    """A version is not different from itself."""
    assert "no difference" in medkg("diff", "trials", "trials").stdout


@pytest.mark.parametrize("reference", ["trials@1999-01-01", "none.yaml"])
def test_diff_of_what_is_not_there(reference: str):
    """A version or file that is not there ends with 3."""
    assert 3 == medkg("diff", reference).exit_code
