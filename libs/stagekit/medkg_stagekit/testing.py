"""The behaviour that every stage has, as tests to inherit; needs pytest and pytest-asyncio.

A stage is tested by naming it, with a few inputs that it takes::

    from medkg_contracts.errors import InvalidDocument
    from medkg_stagekit.testing import Example, StageSuite

    from shout.app import stage


    class TestShoutStage(StageSuite):
        service = stage
        examples = (Example({"document": DOCUMENT}), Example({"document": OTHER}))
        refused = Example({"document": EMPTY})

A stage that needs a server gets it from an autouse fixture of the class, which sets the environment that the stage's
settings are read from, or what else the class names::

        @pytest.fixture(autouse=True)
        async def _served(self, monkeypatch, server_url):
            monkeypatch.setenv("MK_SHOUT_URL", server_url)

A stage that computes inherits `ComputingStageSuite`, which has tests of its worker processes besides.

Every test runs the stage as its service would, with a real artifact store and without Kafka.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import pytest_asyncio
from medkg_artifacts import ArtifactStore
from medkg_contracts.errors import ResourceUnavailable, SourceUnavailable
from medkg_contracts.model import Name
from medkg_contracts.policy import Breaker, Policy
from medkg_contracts.stages import STAGE_TYPES
from pydantic import TypeAdapter

from .binding import REQUEST
from .guard import BreakerState
from .service import StageService
from .stage_harness import Cancelled, Down, Example, Overheard, StageHarness
from .unruly import MISBEHAVE, Unruly
from .work import Outcome

__all__ = ["ComputingStageSuite", "Example", "StageHarness", "StageSuite"]

_NAMES = TypeAdapter(tuple[Name, ...])
_OTHER_TENANT = "somebody-else"
_BUSY = SourceUnavailable("busy", retry_after=120.0)


class StageSuite:
    """What holds for every stage. A subclass gives the facts; more tests may stand beside the inherited ones.

    Attributes:
        service: the service, as its ``app.py`` wires it.
        examples: at least two that the stage takes, and that differ.
        refused: one that can be read and that the stage refuses by an error of medkg's; None when it takes anything.
        stage_type: its type in topologies, such as ``ChunkStage``; ``Stage`` for a stage of one's own kind.
        waits: whether the stage lets the event loop go; only such a one can pass a timeout in the service's process.
        tenant: the jobs' tenant.
    """

    service: ClassVar[StageService]
    examples: Sequence[Example]
    refused: Example | None = None
    stage_type: ClassVar[str] = "Stage"
    waits: ClassVar[bool] = True
    tenant: str = "public"

    pytestmark = pytest.mark.asyncio

    @pytest_asyncio.fixture
    async def harness(self, tmp_path: Path) -> AsyncIterator[StageHarness]:
        """The stage, made and opened as its service does it."""
        async with AsyncExitStack() as stack:
            yield await self._open(stack, tmp_path)

    async def _open(self, stack: AsyncExitStack, folder: Path) -> StageHarness:
        binding, pool = await self.service.open(stack)
        return StageHarness(binding, ArtifactStore(folder), self.tenant, pool)

    async def test_its_names_are_those_of_its_type(self, harness: StageHarness) -> None:
        """The stage has a version, and takes and makes what topologies say that its type takes and makes."""
        binding = harness.binding
        outputs = binding.stage.outputs
        _same(True, bool(binding.stage.version), "has a version")
        _same(_NAMES.validate_python(outputs), outputs, "outputs")
        if self.stage_type != "Stage":
            kind = STAGE_TYPES[self.stage_type]
            _same([name for name in kind.inputs if name != REQUEST], list(binding.inputs), "inputs")
            _same(kind.outputs, outputs, "outputs")

    async def test_the_same_inputs_make_the_same_bytes(self, harness: StageHarness, tmp_path: Path) -> None:
        """Two processes that work on the same inputs make the same artifacts, byte for byte."""
        async with AsyncExitStack() as stack:
            other = await self._open(stack, tmp_path / "other")
            for example in self.examples:
                first, second = [await _completed(bench, example) for bench in (harness, other)]
                _same(await harness.made(first), await other.made(second), "artifacts")
        _same(harness.items, other.items, "items")

    async def test_its_outputs_are_of_their_declared_types(self, harness: StageHarness) -> None:
        """Whoever reads an artifact as the type that the stage declares gets the very same artifact."""
        for example in self.examples:
            outcome = await _completed(harness, example)
            _same(sorted(harness.binding.stage.outputs), sorted(outcome.artifacts), "artifacts")
            made = await harness.made(outcome)
            for name, codec in harness.binding.outputs.items():
                _same(made[name], codec.write(codec.read(made[name])), name)

    async def test_an_identical_run_is_skipped_if_the_stage_is_pure(self, harness: StageHarness) -> None:
        """Asked to skip what is done, a pure stage's second run is recalled; one with effects is run again."""
        example = self.examples[0]
        asked = replace(example, request=example.request.model_copy(update={"skip_completed": True}))
        first, second = [await _completed(harness, asked) for _ in range(2)]
        third = await _completed(harness, example)
        pure = harness.binding.pure
        _same([False, pure, False], [outcome.skipped for outcome in (first, second, third)], "skipped")
        _same(first.artifacts, second.artifacts, "artifacts")

    async def test_one_bad_job_never_fails_its_mates(self, harness: StageHarness) -> None:
        """In one batch, jobs that cannot be done fail by name and all others have the results that they have alone."""
        jobs = {f"job-{number}": example for number, example in enumerate(self.examples)}
        works = [await harness.work(example, job_id) for job_id, example in jobs.items()]
        alone = [(await harness.run(work))[0].artifacts for work in works]
        damaged = await harness.damaged(await harness.work(self.examples[0], "damaged"), REQUEST)
        refused = [] if self.refused is None else [await harness.work(self.refused, "refused")]
        again = await harness.work(self.examples[0], "job-0")
        outcomes = await harness.run(works[0], damaged, *refused, *works[1:], again)
        failed = {outcome.work.ctx.job_id: outcome.error for outcome in outcomes if outcome.error is not None}
        _same([work.ctx.job_id for work in (damaged, *refused)], list(failed), "failed jobs")
        _same([], [error for error in failed.values() if error.code == "bug"], "errors that are none of medkg's")
        good = [outcome.artifacts for outcome in outcomes if outcome.error is None]
        _same([*alone, alone[0]], good, "artifacts")

    async def test_another_tenants_artifact_is_not_read(self, harness: StageHarness) -> None:
        """A job whose inputs belong to another tenant fails as if they were not there."""
        foreign = await harness.work(self.examples[0], owner=_OTHER_TENANT)
        request = self.examples[0].request.model_dump_json().encode()
        ref = await harness.store.put(_OTHER_TENANT, REQUEST, request, inline=False)
        works = [replace(await harness.work(self.examples[0]), request=ref), *([foreign] if foreign.inputs else [])]
        _same(["artifact_missing"] * len(works), _codes(await harness.run(*works)), "codes")

    async def test_what_cannot_be_read_fails_by_name(self, harness: StageHarness) -> None:
        """A damaged input fails its job as invalid, and one that is not there as missing; nothing is raised."""
        work = await harness.work(self.examples[0])
        names = [REQUEST, *work.inputs]
        damaged = [await harness.damaged(await harness.work(self.examples[0]), name) for name in names]
        _same(["validation"] * len(names), _codes(await harness.run(*damaged)), "codes")
        if work.inputs:
            _same(["configuration"], _codes(await harness.run(replace(work, inputs={}))), "codes")

    async def test_a_passed_timeout_fails_the_job(self, harness: StageHarness) -> None:
        """A stage that takes longer than its policy allows is interrupted, and is fit for the next job."""
        (outcome,) = await harness.run(await harness.work(self.examples[0], policy=Policy(timeout_s=1e-9)))
        _same("timeout" if self.waits else "", "" if outcome.error is None else outcome.error.code, "code")
        await _completed(harness, self.examples[0])

    async def test_work_of_a_cancelled_job_is_dropped(self, harness: StageHarness) -> None:
        """What was asked for before its job was cancelled is not done; later work of the job is."""
        works = [await harness.work(example) for example in self.examples[:2]]
        works[1] = replace(works[1], sequence="00000009")
        harness.orders = Cancelled({"job": 1})
        outcomes = await harness.run(*works)
        _same([True, False], [outcome.dropped for outcome in outcomes], "dropped")
        _same(["completed", "completed"], _codes(outcomes), "codes")
        _same([True, False], [not outcome.artifacts for outcome in outcomes], "without artifacts")

    async def test_a_long_wait_is_put_off(self, harness: StageHarness) -> None:
        """A job whose source asks for a long wait is handed back with it, and holds nobody up."""
        harness.stand_in(Down(harness.binding, _BUSY))
        (outcome,) = await harness.run(await harness.work(self.examples[0], policy=Policy(attempts=2)))
        found = (outcome.deferral.wait_s, outcome.deferral.tried) if outcome.deferral else None
        _same((_BUSY.retry_after, 1), found, "wait and attempts")

    async def test_its_resources_failures_open_its_breaker(self, harness: StageHarness) -> None:
        """Under a policy with a breaker, failures of what the stage uses are counted over its jobs."""
        policy = Policy(breaker=Breaker(failures=len(self.examples), reset_s=600))
        works = [await harness.work(example, policy=policy) for example in self.examples]
        harness.stand_in(Down(harness.binding, ResourceUnavailable("away")))
        outcomes = await harness.run(*works)
        _same(["resource_unavailable"] * len(works), _codes(outcomes), "codes")
        status = await harness.guard.status(harness.binding.name, policy)
        _same(BreakerState.OPEN, status.state, "breaker")

    async def test_it_is_told_whose_job_it_is(self, harness: StageHarness) -> None:
        """The context of each job has the job's own tenant, ids and metadata, the attempt and the deadline."""
        overheard = Overheard(harness.binding.stage)
        harness.stand_in(overheard)
        metadata = {"asked-by": "the suite"}
        request = self.examples[0].request.model_copy(update={"metadata": metadata})
        example = replace(self.examples[0], request=request)
        works = [await harness.work(example, job_id) for job_id in ("job-1", "job-2")]
        await harness.run(*works)
        expected = [replace(work.ctx, metadata=metadata) for work in works]
        told = sorted(overheard.contexts, key=lambda ctx: ctx.job_id)
        _same(expected, [replace(ctx, deadline=None) for ctx in told], "contexts")
        _same([], [ctx for ctx in told if ctx.deadline is None], "contexts without a deadline")


class ComputingStageSuite(StageSuite):
    """What holds besides for every stage that computes in worker processes, whatever its code does there."""

    @pytest_asyncio.fixture
    async def unruly(self, tmp_path: Path) -> AsyncIterator[StageHarness]:
        """The stage, opened so that a job's metadata can make it misbehave in its worker."""
        async with AsyncExitStack() as stack:
            yield await self._open_unruly(stack, ArtifactStore(tmp_path))

    async def _open_unruly(self, stack: AsyncExitStack, store: ArtifactStore) -> StageHarness:
        service = replace(self.service, stage=Unruly(self.service.stage))
        binding, pool = await service.open(stack)
        return StageHarness(binding, store, self.tenant, pool)

    def _misbehaving(self, how: str) -> Example:
        request = self.examples[0].request.model_copy(update={"metadata": {MISBEHAVE: how}})
        return replace(self.examples[0], request=request)

    async def test_it_computes_in_processes(self) -> None:
        """The service declares that its stage computes."""
        _same(True, self.service.compute is not None, "declares compute")

    async def test_a_passed_timeout_fails_the_job(self, harness: StageHarness) -> None:
        """A computation that never ends is ended at its policy's timeout, and the stage is fit for the next job."""
        async with AsyncExitStack() as stack:
            unruly = await self._open_unruly(stack, harness.store)
            work = await unruly.work(self._misbehaving("never-ends"), policy=Policy(timeout_s=0.2))
            # The code says whether there was a processor for it.
            codes = [code.removeprefix("compute_") for code in _codes(await unruly.run(work))]
            _same(["timeout"], codes, "codes")
            await _completed(unruly, self.examples[0])

    @pytest.mark.parametrize(
        ("how", "codes"),
        [
            ("never-ends", {"compute_timeout", "timeout"}),
            ("hoards", {"memory_exceeded"}),
            ("exits", {"worker_crashed"}),
            ("segfaults", {"worker_crashed"}),
        ],
    )
    async def test_a_job_that_goes_wrong_costs_no_other_anything(
        self, unruly: StageHarness, how: str, codes: set[str]
    ) -> None:
        """Beside a job that never ends, or takes its process with it, the others have the results of being alone."""
        works = [await unruly.work(example, f"job-{number}") for number, example in enumerate(self.examples)]
        alone = [(await unruly.run(work))[0].artifacts for work in works]
        bad = await unruly.work(
            self._misbehaving(how), "bad", policy=Policy(timeout_s=2.0 if how == "never-ends" else 60.0)
        )
        first, *others = await unruly.run(bad, *works)
        _same(True, _codes([first])[0] in codes, f"{_codes([first])[0]} is one of {codes}")
        _same(alone, [outcome.artifacts for outcome in others], "artifacts")


async def _completed(harness: StageHarness, example: Example) -> Outcome:
    (outcome,) = await harness.run(await harness.work(example))
    if outcome.error is not None:
        raise AssertionError(f"the stage refused an example: {outcome.error!r}") from outcome.error
    return outcome


def _codes(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.error.code if outcome.error else "completed" for outcome in outcomes]


def _same(expected: object, actual: object, what: str) -> None:
    """Compare with a message of its own: pytest explains asserts only in the files that it collects."""
    if expected != actual:
        raise AssertionError(f"{what}: expected {expected!r}, but it is {actual!r}")
