"""What the stage suite works with: an open stage with an artifact store, and stages that stand in for it."""

# ruff: noqa: D102 - the methods are those that every stage has

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from medkg_artifacts import ArtifactStore
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.errors import MedkgError
from medkg_contracts.model import OptionValue
from medkg_contracts.policy import Policy
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext

from .binding import REQUEST, Binding
from .control import Orders
from .execution import Executor
from .guard import Guard
from .local_guard import LocalGuard
from .observer import Observer
from .pool import WorkerPool
from .work import Outcome, Work

_DAMAGED = b'{"damaged": '
_POLICY = Policy(timeout_s=60)


@dataclass(frozen=True)
class Example:
    """What a stage is given for one job.

    Attributes:
        inputs: values by artifact name, of the types that the stage's parameters have; those that the stage can do
            without may be left out.
        request: the job's own request.
        options: what the topology says of how the stage is to work.
    """

    inputs: Mapping[str, Any] = field(default_factory=dict)
    request: JobRequest = field(default_factory=lambda: JobRequest(source="example", id="1"))
    options: Mapping[str, OptionValue] = field(default_factory=dict)


class StageHarness(Observer):
    """An open stage with an artifact store.

    Attributes:
        items: what an expanding stage gave out, in order.
        guard: of breakers and rate limits.
        orders: knows what is cancelled.
    """

    def __init__(self, binding: Binding, store: ArtifactStore, tenant: str, pool: WorkerPool | None = None) -> None:
        self.binding = binding
        self.store = store
        self.items: list[JobRequest] = []
        self.guard: Guard = LocalGuard()
        self.orders: Orders | None = None
        self._tenant = tenant
        self._pool = pool

    def stand_in(self, stage: Any) -> None:  # noqa: ANN401 - any stage
        """From now on another one with the same names is run in the stage's place, and in this process."""
        self.binding = replace(self.binding, stage=stage)
        self._pool = None

    async def publish_items(self, work: Work, requests: Sequence[JobRequest]) -> None:  # noqa: ARG002 - the signature that items are published by
        """Keep the items."""
        self.items += requests

    async def work(
        self, example: Example, job_id: str = "job", *, owner: str | None = None, policy: Policy = _POLICY
    ) -> Work:
        """The example as a job; its artifacts belong to `owner`, by default to the job's tenant."""
        codecs = self.binding.inputs
        bodies = {name: codec.write(example.inputs[name]) for name, codec in codecs.items() if name in example.inputs}
        inputs = {name: await self._put(name, body, owner) for name, body in bodies.items()}
        ctx = StageContext(
            tenant_id=self._tenant,
            doc_id=example.request.doc_id,
            job_id=job_id,
            correlation_id=f"correlation-of-{job_id}",
            pipeline="suite",
            digest="0" * 12,
            options=example.options,
        )
        return Work(
            node=self.binding.name,
            ctx=ctx,
            request=example.request,
            inputs=inputs,
            policy=policy,
            sequence="00000001",
            cause="cause",
            topology=None,
        )

    async def damaged(self, work: Work, name: str) -> Work:
        """The work, with bytes in place of the artifact (or of ``request``) that nobody can read."""
        ref = await self._put(name, _DAMAGED, None)
        return replace(work, request=ref) if name == REQUEST else replace(work, inputs={**work.inputs, name: ref})

    async def run(self, *works: Work) -> list[Outcome]:
        """The outcomes of one batch, in its order."""
        found: dict[int, Outcome] = {}
        executor = Executor(
            self.binding,
            self.store,
            self,
            publish_items=self.publish_items,
            guard=self.guard,
            orders=self.orders,
            pool=self._pool,
        )
        async for outcomes in executor.run(works):
            found |= {id(outcome.work): outcome for outcome in outcomes}
        return [found[id(work)] for work in works]

    async def made(self, outcome: Outcome) -> dict[str, bytes]:
        """The bytes of the outcome's artifacts."""
        refs = outcome.artifacts
        return {name: await self.store.get(self._tenant, ref) for name, ref in refs.items()}

    async def _put(self, name: str, body: bytes, owner: str | None) -> ArtifactRef:
        return await self.store.put(owner or self._tenant, name, body, inline=False)


@dataclass(frozen=True)
class Cancelled:
    """Orders that have cancelled jobs up to these sequences."""

    fences: Mapping[str, int]
    paused: bool = False

    async def control_state(self, service: str, job_ids: Sequence[str]) -> "Cancelled":  # noqa: ARG002
        return self


class Down:
    """A stage, the resource of which fails."""

    def __init__(self, binding: Binding, error: MedkgError) -> None:
        self._binding = binding
        self._error = error

    def execute(self, ctx: StageContext, **arguments: Any) -> Any:  # noqa: ANN401, ARG002
        return self._failing_items() if self._binding.expands else self._fail()

    async def execute_batch(self, ctxs: Sequence[StageContext], **arguments: Any) -> Any:  # noqa: ANN401, ARG002
        raise self._error

    async def _fail(self) -> Any:  # noqa: ANN401
        raise self._error

    async def _failing_items(self) -> AsyncIterator[JobRequest]:
        raise self._error
        yield

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._binding.stage, name)


class Overheard:
    """A stage whose contexts are noted."""

    def __init__(self, stage: Any) -> None:  # noqa: ANN401 - any stage
        self._stage = stage
        self.contexts: list[StageContext] = []

    def execute(self, ctx: StageContext, **arguments: Any) -> Any:  # noqa: ANN401
        self.contexts.append(ctx)
        return self._stage.execute(ctx, **arguments)

    def execute_batch(self, ctxs: Sequence[StageContext], **arguments: Any) -> Any:  # noqa: ANN401
        self.contexts += ctxs
        return self._stage.execute_batch(ctxs, **arguments)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._stage, name)
