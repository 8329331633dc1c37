"""`medkg run --direct` runs jobs in this process."""

import json
from pathlib import Path
from typing import ClassVar

import pytest
from medkg_cli import direct
from medkg_cli.app import build
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.ir import RawPayload
from medkg_contracts.requests import JobRequest
from medkg_contracts.settings import Settings
from medkg_contracts.stages import StageContext
from medkg_stagekit import StageService
from typer.testing import CliRunner, Result

TOPOLOGY = """\
version: "1.0"
name: letters
applicable_sources: [letters]
stages:
  - name: ingest
    type: IngestStage
"""


class LettersStage:
    """Gives one payload, and refuses the id `bad`."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("payloads",)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def execute(self, ctx: StageContext, request: JobRequest) -> list[RawPayload]:
        """One payload."""
        if ctx.doc_id == "letters:bad":
            raise InvalidRequest("bad is no letter")
        return [
            RawPayload(
                source="letters",
                source_id=str(request.id),
                uri="x:1",
                media_type="text/plain",
                body=1000 * str(request.id),
                sha256="0" * 64,
            )
        ]


@pytest.fixture
def letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for artifacts, with a topology whose only stage is at hand."""
    pipelines = tmp_path / "topologies" / "pipelines"
    pipelines.mkdir(parents=True)
    (pipelines / "letters.yaml").write_text(TOPOLOGY)
    (pipelines.parent / "policies.yaml").write_text("policies:\n  default:\n    timeout: 5s\n    attempts: 1\n")
    monkeypatch.setenv("MK_TOPOLOGIES", str(pipelines.parent))
    service = StageService("ingest", LettersStage, Settings)
    monkeypatch.setattr(direct, "installed_stages", lambda: {"ingest": service})
    return tmp_path / "artifacts"


def medkg(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(build("run"), ["run", *words, "--artifacts-dir", str(folder)])


def test_jobs_run_to_their_end(letters: Path):
    """Each id is a job, and its artifacts lie in the folder."""
    result = medkg(letters, "--direct", "letters", "a", "b", "--json")
    assert (0, ["completed", "completed"]) == (result.exit_code, [job["status"] for job in json.loads(result.stdout)])
    assert 2 == len(list(letters.glob("public/artifacts/*/*")))


def test_a_failed_job_fails_the_command(letters: Path):
    """When a job failed the command ends with 1 and shows why."""
    result = medkg(letters, "--direct", "letters", "a", "bad")
    assert 1 == result.exit_code
    assert "[request_invalid] bad is no letter" in result.stdout


def test_an_unknown_source_is_rejected(letters: Path):
    """A source that no topology takes ends with 1 and shows why."""
    result = medkg(letters, "--direct", "nobody", "a")
    assert 1 == result.exit_code
    assert "[topology_unknown]" in result.stdout


def test_without_direct_it_is_wrong_usage(letters: Path):
    """Nobody runs jobs here by mistake who meant the running services."""
    assert 2 == medkg(letters, "letters", "a").exit_code


def test_the_installed_stages_are_found():
    """The stages of all installed services are found by their entry points."""
    found = direct.installed_stages()
    assert {"ingest", "expand", "parse", "validate", "chunk", "index"} <= found.keys()
