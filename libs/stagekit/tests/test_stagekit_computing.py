"""Jobs of a stage that computes, as its executor runs them in real processes."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
from medkg_artifacts import ArtifactStore
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.policy import Policy
from medkg_contracts.settings import Settings
from medkg_stagekit import Compute, StageService
from medkg_stagekit.execution import Executor
from medkg_stagekit.work import Outcome, Work

from .computing import BatchReckoner, Reckoner
from .fakes import Desk, Holding, Unfold, Watcher, work_of

PATIENCE_S = 60.0
SERVICE = StageService("reckon", Reckoner, Settings, description="Reckons", compute=Compute(processes=1, slow=1))


async def outcomes(service: StageService, works: list[Work], store: ArtifactStore, **options) -> list[Outcome]:
    """What becomes of the works, in their order."""
    async with AsyncExitStack() as stack:
        binding, pool = await service.open(stack)
        executor = Executor(binding, store, Watcher(), pool=pool, **options)
        found = [outcome async for each in executor.run(works) for outcome in each]
    return sorted(found, key=lambda outcome: works.index(outcome.work))


def runs(file: Path) -> bool:
    """Whether the process whose id stands in the file is there."""
    return Path(f"/proc/{file.read_text()}").exists()


async def test_a_cancelled_job_computes_no_longer(store: ArtifactStore, tmp_path: Path) -> None:
    """A job that is cancelled while it computes is dropped, long before its timeout, and its process is gone."""
    file = tmp_path / "pid"
    orders = Desk([Holding(), Holding(fences={"j-1": 2})])
    work = work_of(f"spin {file}", policy=Policy(timeout_s=600))
    async with asyncio.timeout(PATIENCE_S):
        (outcome,) = await outcomes(SERVICE, [work], store, orders=orders)

    assert (True, None) == (outcome.dropped, outcome.error)
    assert not runs(file)


class Deaf:
    """Lets the job end while it is asked for the second time, and does not hear that it is cancelled then."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.asked = 0

    async def control_state(self, service: str, job_ids: Sequence[str]) -> Holding:  # noqa: ARG002
        """Nothing is held back."""
        self.asked += 1
        if self.asked > 1:
            self._file.touch()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(5.0)
        return Holding()


async def test_a_lost_cancellation_keeps_no_job(store: ArtifactStore, tmp_path: Path) -> None:
    """A job that is done is told, even if who asks whether it is still wanted cannot be cancelled at that moment."""
    file = tmp_path / "done"
    async with asyncio.timeout(PATIENCE_S):
        (outcome,) = await outcomes(SERVICE, [work_of(f"until {file}")], store, orders=Deaf(file))

    assert (None, False) == (outcome.error, outcome.dropped)


@pytest.mark.parametrize(("word", "code"), [("exit 7", "worker_crashed"), ("hoard", "memory_exceeded")])
async def test_of_a_batch_only_the_guilty_job_fails(store: ArtifactStore, word: str, code: str) -> None:
    """When a batch takes its process with it, each of its jobs is done alone, and one fails."""
    service = replace(SERVICE, stage=BatchReckoner, compute=Compute(processes=1, slow=1, memory_mb=64))
    works = [work_of(each, f"j-{number}") for number, each in enumerate(["one", word, "two"])]

    found = [outcome.error and outcome.error.code for outcome in await outcomes(service, works, store)]

    assert [None, code, None] == found


async def test_a_crash_is_tried_again(store: ArtifactStore) -> None:
    """A crash may be the machine's fault: it uses up the policy's attempts, each in a new process."""
    work = work_of("exit 7", policy=Policy(attempts=3))

    (outcome,) = await outcomes(SERVICE, [work], store)

    assert ("worker_crashed", 2) == (outcome.error and outcome.error.code, outcome.retries)


async def test_what_expands_cannot_compute(store: ArtifactStore) -> None:
    """A stage that expands a batch and is declared as computing does not start, with the reason."""
    service = replace(SERVICE, stage=lambda _: Unfold(1))

    with pytest.raises(ConfigurationError, match="expands"):
        await outcomes(service, [], store)


async def test_the_duration_is_the_computations(store: ArtifactStore) -> None:
    """What is told as a job's duration leaves out the time for which it waited for a process."""
    began = monotonic()
    works = [work_of("hello", f"j-{number}") for number in range(20)]
    found = await outcomes(SERVICE, works, store)
    elapsed_ms = (monotonic() - began) * 1000

    assert 0 < sum(outcome.duration_ms for outcome in found) < elapsed_ms
