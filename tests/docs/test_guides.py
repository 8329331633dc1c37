"""The guides, done step by step: files are written, commands run, and what a guide claims is compared."""

import json
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from medkg_artifacts import ArtifactStore
from medkg_cli.app import build
from medkg_contracts.requests import JobRequest
from medkg_directrun import DirectRun
from medkg_ledger import JobState, JobStatus
from medkg_operations.requests import request_event
from medkg_stagekit import StageService, installed_stages
from medkg_topology.catalog import Catalog
from typer.testing import CliRunner

from .blocks import DOCS, Block, blocks, commands, titled

STAGE_GUIDE = DOCS / "guides" / "write-your-own-stage.md"
TOPOLOGY_GUIDE = DOCS / "guides" / "write-your-own-topology.md"
VOCABULARY_GUIDE = DOCS / "guides" / "bring-your-own-vocabulary.md"
STUDY = "NCT05814159"


def write(block: Block, folder: Path) -> None:
    """Write a block that is a file, or the end of one."""
    name = block.title.removeprefix("append to ")
    if "/" not in name:
        return
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text() if block.title != name else ""
    path.write_text(before + block.text)


def follow(guide: Path, folder: Path) -> list[tuple[str, str, str]]:
    """Write the guide's files and run its commands on files, in order; those whose output is shown, with both."""
    found = []
    for block in blocks(guide):
        write(block, folder)
        for command in commands(block):
            if command.words[:3] == ("uv", "run", "medkg") and command.words[3] in {"topology", "new", "vocabulary"}:
                result = CliRunner().invoke(build(command.words[3]), command.words[3:])
                if command.shown is not None:
                    found.append((" ".join(command.words), command.shown, result.output))
    return found


def as_shown(shown: str, real: str) -> str:
    """What the page shows, if that is the output but for what an ellipsis stands for; the output otherwise."""
    pattern = ".*".join(map(re.escape, shown.split("…")))
    return shown if re.fullmatch(pattern, real, re.DOTALL) else real


@pytest.fixture
def readability(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StageService]:
    """The stage of the guide, imported from the files that the guide shows."""
    follow(STAGE_GUIDE, checkout)
    monkeypatch.syspath_prepend(checkout / "services" / "readability")
    service = import_module("medkg_readability.app").service
    yield service
    for name in [name for name in sys.modules if name.startswith("medkg_readability")]:
        del sys.modules[name]


async def ran(folder: Path, topology: str, until: str | None = None, **more: StageService) -> JobState:
    """A job for a recorded study, run by the direct strategy on a topology of the folder."""
    catalog = Catalog(folder / "topologies")
    request = request_event(
        JobRequest(source="ctgov", id=STUDY, topology=topology, until=until), source="/test", job="j-1"
    )
    store = ArtifactStore(folder / "artifacts")
    run = DirectRun(
        {**installed_stages(), **more},
        store,
        lambda wanted: catalog.resolve(wanted.topology, wanted.source),
        lambda _: None,
    )
    async with run as direct:
        return (await direct.run([request]))["j-1"]


@pytest.mark.parametrize("guide", [STAGE_GUIDE, TOPOLOGY_GUIDE, VOCABULARY_GUIDE], ids=lambda guide: guide.stem)
def test_commands_print_what_the_guide_shows(guide: Path, checkout: Path) -> None:
    """Each command on topologies and vocabularies, or that makes files, has the output that stands below it, if any."""
    steps = follow(guide, checkout)

    assert steps
    assert [(command, shown) for command, shown, _ in steps] == [
        (command, as_shown(shown, real)) for command, shown, real in steps
    ]


def test_the_topologys_effective_policy_is_what_the_guide_shows(checkout: Path) -> None:
    """The stage that the guide shows stands so in the effective plan."""
    follow(TOPOLOGY_GUIDE, checkout)

    result = CliRunner().invoke(build("topology"), ["topology", "render", "trials-screened"])

    assert titled(TOPOLOGY_GUIDE, "its first stage").text in result.output


@pytest.mark.usefixtures("source")
async def test_the_guides_stage_runs_on_a_real_trial(checkout: Path, readability: StageService) -> None:
    """The stage of the guide, in the guide's topology, makes of a recorded trial what the guide shows."""
    state = await ran(checkout, "trial-readability", readability=readability)

    shown = titled(STAGE_GUIDE, f"reading_ease of {STUDY}")
    assert JobStatus.COMPLETED == state.status
    assert json.loads(shown.text) == state.artifacts["reading_ease"].value


def test_the_guides_stage_passes_its_tests(readability: StageService, checkout: Path) -> None:
    """The tests that the guide shows pass, the shared suite among them."""
    assert "readability" == readability.name

    options = ["-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-W", "ignore", f"--rootdir={checkout}"]
    code = pytest.main([*options, str(checkout / "services" / "readability" / "tests")])

    assert pytest.ExitCode.OK == code


@pytest.mark.usefixtures("source")
async def test_until_ends_before_the_gate(checkout: Path) -> None:
    """With ``until`` the guide's topology is completed after that stage."""
    follow(TOPOLOGY_GUIDE, checkout)

    state = await ran(checkout, "trials-screened", until="validate")

    assert (JobStatus.COMPLETED, ["ingest", "parse", "validate"]) == (state.status, list(state.nodes))


@pytest.mark.usefixtures("source")
async def test_a_gate_that_nobody_opens_fails_the_job(checkout: Path) -> None:
    """In a direct run the guide's gate expires in no time, and its job fails as the guide says."""
    follow(TOPOLOGY_GUIDE, checkout)

    state = await ran(checkout, "trials-screened")

    assert state.error is not None
    assert (JobStatus.FAILED, "gate_expired") == (state.status, state.error.code)
