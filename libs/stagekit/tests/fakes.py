"""Stages and works for tests without servers."""

# ruff: noqa: D102 - the methods are those that every stage has

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import orjson
from medkg_artifacts import ArtifactStore
from medkg_bus.shutdown import ShutdownSignal
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.data import StageRequest
from medkg_contracts.errors import ArtifactStoreUnavailable, MedkgError
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.policy import Policy
from medkg_contracts.records import Record
from medkg_contracts.requests import JobRequest
from medkg_contracts.settings import Settings
from medkg_contracts.stages import StageContext
from medkg_stagekit.binding import Binding, bind
from medkg_stagekit.execution import Executor
from medkg_stagekit.guard import Verdict
from medkg_stagekit.observer import Observer
from medkg_stagekit.work import Outcome, Work

NOW = datetime(2026, 1, 1, tzinfo=UTC)

#: What a stage does for one job: its value, or an error to raise.
Act = Callable[[StageContext, str], str | Exception]


def shouted(_: StageContext, word: str) -> str:
    return word.upper()


class Shout:
    """``word`` in, ``shout`` out; `act` may be replaced."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("shout",)

    def __init__(self, act: Act = shouted) -> None:
        self._act = act
        self.calls: list[StageContext] = []

    async def execute(self, ctx: StageContext, word: str) -> str:
        self.calls.append(ctx)
        await asyncio.sleep(0)
        result = self._act(ctx, word)
        if isinstance(result, Exception):
            raise result
        return result


class Choir:
    """The same for a batch; `batches` are the words of each call."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("shout",)

    def __init__(self, act: Act = shouted) -> None:
        self._act = act
        self.batches: list[list[str]] = []

    async def execute_batch(self, ctxs: Sequence[StageContext], word: Sequence[str]) -> Sequence[str | Exception]:
        self.batches.append(list(word))
        await asyncio.sleep(0)
        return [self._act(ctx, one) for ctx, one in zip(ctxs, word, strict=True)]


class Unfold:
    """Expands a request into `count` items; then raises, if it has something to raise."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("expansion",)

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self._count = count
        self._error = error

    async def execute(self, ctx: StageContext, request: JobRequest) -> AsyncIterator[JobRequest]:  # noqa: ARG002
        for number in range(self._count):
            yield JobRequest(source=request.source, id=str(number))
        if self._error is not None:
            raise self._error


class FlakyStore(ArtifactStore):
    """Cannot be read, or written, the first few times."""

    def __init__(self, root: Path, *, reads: int = 0, writes: int = 0) -> None:
        super().__init__(root)
        self.reads, self.writes = reads, writes

    async def get(self, tenant: str, ref: ArtifactRef) -> bytes:
        if self.reads:
            self.reads -= 1
            raise ArtifactStoreUnavailable("cannot read")
        return await super().get(tenant, ref)

    async def put(self, tenant, name, body, media_type="application/json", *, inline=True) -> ArtifactRef:
        if self.writes:
            self.writes -= 1
            raise ArtifactStoreUnavailable("cannot write")
        return await super().put(tenant, name, body, media_type, inline=inline)


@dataclass
class Watcher(Observer):
    """Notes what it is told, as ``(what, job id, ...)``."""

    told: list[tuple[object, ...]] = field(default_factory=list)
    fail: MedkgError | None = None

    async def started(self, work: Work) -> None:
        self.told.append(("started", work.ctx.job_id))

    async def retrying(self, work: Work, retry: int, error: MedkgError, wait_s: float) -> None:
        self.told.append(("retrying", work.ctx.job_id, retry, error.code, round(wait_s, 4)))

    async def breaker_turned(self, policy: Policy, verdict: Verdict, error: MedkgError | None) -> None:
        self.told.append((f"breaker {verdict.state}", policy.name, error.code if error else None))

    async def publish_items(self, work: Work, requests: Sequence[JobRequest]) -> None:
        if self.fail is not None:
            raise self.fail
        self.told.append(("expanded", work.ctx.job_id, len(requests)))


@dataclass(frozen=True)
class Holding:
    """What holds for a service and its jobs."""

    paused: bool = False
    fences: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Desk:
    """Gives these answers one after the other, the last one for ever; an error is raised."""

    answers: list[Holding | MedkgError]
    asked: list[list[str]] = field(default_factory=list)

    async def control_state(self, service: str, job_ids: Sequence[str]) -> Holding:  # noqa: ARG002
        self.asked.append(list(job_ids))
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, MedkgError):
            raise answer
        return answer


class Hasty(ShutdownSignal):
    """Notes its waits instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


def bound(stage: object, name: str = "shout") -> Binding:
    return bind(name, stage, Settings())


def inline(name: str, value: str) -> ArtifactRef:
    body = orjson.dumps(value)
    return ArtifactRef(name=name, sha256=hashlib.sha256(body).hexdigest(), size=len(body), value=value)


def work_of(word: str = "hello", job_id: str = "j-1", **changes) -> Work:
    given = {
        "node": "shout",
        "ctx": StageContext(
            tenant_id="public", doc_id="ctgov:1", job_id=job_id, correlation_id="c-1", pipeline="p", digest="0" * 12
        ),
        "request": JobRequest(source="ctgov", id="1"),
        "inputs": {"word": inline("word", word)},
        "policy": Policy(timeout_s=30),
        "sequence": "00000002",
        "cause": "the-cause",
        "topology": "p@000000000000",
    }
    return Work(**{**given, **changes})


async def outcomes_of(
    stage: object, works: Sequence[Work], store: ArtifactStore, watcher: Observer, **options
) -> list[Outcome]:
    """What becomes of the works, in their order."""
    publish_items = getattr(watcher, "publish_items", None)
    executor = Executor(bound(stage), store, watcher, publish_items=publish_items, **options)
    found = [outcome async for outcomes in executor.run(works) for outcome in outcomes]
    return sorted(found, key=lambda outcome: works.index(outcome.work))


def asked(
    word: str | ArtifactRef = "hello",
    job_id: str = "j-1",
    *,
    policy: Policy | None = None,
    tried: int = 0,
    **extensions: str | None,
) -> CloudEvent:
    """The router's ``stage.requested`` for the word."""
    data = StageRequest(
        request=JobRequest(source="ctgov", id="1"),
        inputs={"word": inline("word", word) if isinstance(word, str) else word},
        policy=policy or Policy(),
        tried=tried,
    )
    return make_event(
        Kind.STAGE_REQUESTED,
        id=f"asked-{job_id}",
        source="/medkg/router",
        time=NOW,
        data=data,
        job_id=job_id,
        subject="ctgov:1",
        extensions={
            "tenantid": "public",
            "stage": "shout",
            "epoch": "1",
            "sequence": "00000002",
            "topology": "p@000000000000",
            **extensions,
        },
    )


def record_of(event: CloudEvent, offset: int = 0, topic: str = "shout.queue.v1") -> Record:
    key = event.extensions["partitionkey"].encode()
    return Record(topic, 0, offset, 1_767_225_600_000, key, event.data, to_headers(event))
