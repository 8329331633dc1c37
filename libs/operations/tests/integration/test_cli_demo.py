"""The demo, from nothing to hits: what a first-time user runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from medkg_stack import Stack
from medkg_stack.ports import free_port

from libs.cli.tests.calling import REPOSITORY, medkg, medkg_json
from tests.shipped import SERVICES

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in which the command finds this session's servers; its services end with the test."""
    monkeypatch.chdir(tmp_path)
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MK_STACK_ROOT", str(stack.root))
    monkeypatch.setenv("MK_REPLAY_PORT", str(free_port()))
    monkeypatch.setenv("MK_SEARCH_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MK_ACCELERATOR", "cpu")
    monkeypatch.setenv("MK_TOPOLOGIES", str(REPOSITORY / "topologies"))
    monkeypatch.setenv("MK_ASYNCAPI", str(REPOSITORY / "asyncapi"))
    yield tmp_path
    medkg("down", "--only", ",".join(SERVICES))


def test_the_demo_works_twice_and_leaves_a_stack_that_can_be_asked(folder: Path):
    """All jobs complete, the searches and the graph answer, and the stack then answers every question about it."""
    first = medkg_json("demo", "--jobs", "15")
    second = medkg_json("demo", "--jobs", "8")
    assert [{"completed": 15}, {"completed": 8}] == [first["counts"], second["counts"]]
    stages = {"ingest", "parse", "ir_validation", "chunk", "embed", "expand", "extract", "index", "kg"}
    assert stages == first["stages"].keys()
    study = first["tried"]["trials"][0]
    result = study["outcomes"][0]["comparisons"][0]
    assert ("CLINICALTRIALS:NCT01367860", ["OMicro", "SJet"], "0.05") == (
        study["id"],
        result["groups"],
        result["p_value"],
    )
    assert result["evidence"][0]["pointer"].endswith("/analyses/0/pValue")
    assert "MK_KAFKA=" in (folder / ".env").read_text()

    batch = medkg_json("status", second["batch_id"])["batch"]
    assert {"completed": 8} == batch["counts"]
    job_id = batch["jobs"][0]["job_id"]
    assert "completed" == medkg_json("explain", job_id)["cause"]
    assert 0 < medkg_json("search", "trial")["total"]

    waited = medkg_json("submit", "ctgov", "NCT05814159", "NCT02300909", "--wait", "--timeout", "60")
    assert {"completed": 3} == waited["counts"]
    refused = medkg("submit", "ctgov", "NCT99999999", "--wait", "--timeout", "60")
    assert (1, True) == (refused.exit_code, "[source_refused]" in refused.stdout)


@pytest.mark.usefixtures("folder")
def test_what_runs_can_be_listed_killed_and_restarted():
    """A service can be started alone, ended as by a crash, and started again; its log can be read."""
    assert 0 == medkg("up", "--only", "kafka,replay", "--scale", "parse=2").exit_code
    running = {line["name"] for line in medkg_json("ps") if line["running"]}
    assert {"kafka-1", "replay-1", "parse-1", "parse-2"} <= running
    assert 0 == medkg("kill", "parse", "--replica", "2").exit_code
    assert 0 == medkg("restart", "replay").exit_code
    assert 3 == medkg("kill", "parse", "--replica", "2").exit_code
    assert "ready for work" in "".join(medkg_json("logs", "parse-1")["lines"])
