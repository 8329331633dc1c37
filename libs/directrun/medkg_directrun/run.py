"""The ``direct`` strategy: the same stages, topologies and decisions in one process, without Kafka or Redis.

For developing stages and for parity: a direct run and a run over Kafka make identical artifacts. Time stands still
except that, when nothing else can happen, it jumps to the next timer: a gate's deadline or a deferred stage's next try.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from time import time
from typing import Self

from medkg_artifacts import SYSTEM_TENANT, ArtifactStore
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import JobAccepted
from medkg_contracts.errors import ConfigurationError, InvalidRequest, MedkgError
from medkg_contracts.kinds import Kind
from medkg_contracts.policy import Policy
from medkg_contracts.requests import JobRequest
from medkg_ledger.state import JobState
from medkg_routing import (
    Decision,
    Deferred,
    NodeEnded,
    Requested,
    TimerFired,
    admit,
    advance,
    read,
    reject,
    timer_due,
    to_event,
)
from medkg_stagekit import lifecycle_events
from medkg_stagekit.execution import Executor
from medkg_stagekit.guard import Verdict
from medkg_stagekit.observer import Observer
from medkg_stagekit.service import StageService
from medkg_stagekit.work import Work, read_work
from medkg_stagekit.worker_process import preload
from medkg_topology.plan import Plan

#: Is given each event as it happens.
Listener = Callable[[CloudEvent], None]

#: Gives a request its plan; raises ConfigurationError when there is none, or InvalidRequest.
Resolver = Callable[[JobRequest], Plan]


class DirectRun:
    """Runs jobs to their end in this process.

    Args:
        services: the stage services by name; only those that the plans need are made.
        store: where artifacts go.
        resolve: gives a request its plan.
        listen: is given each lifecycle event.
    """

    def __init__(
        self, services: Mapping[str, StageService], store: ArtifactStore, resolve: Resolver, listen: Listener
    ) -> None:
        self._services = services
        self._store = store
        self._resolve = resolve
        self._listen = listen
        self._executors: dict[str, Executor] = {}
        self._stack = AsyncExitStack()
        self._plans: dict[str, Plan] = {}
        self._states: dict[str, JobState] = {}
        self._requests: deque[CloudEvent] = deque()
        self._work: deque[tuple[str, Work]] = deque()
        self._timers: dict[tuple[str, str], int] = {}

    async def __aenter__(self) -> Self:
        """Nothing is opened before it is needed."""
        computing = [service for service in self._services.values() if service.compute is not None]
        preload(service.stage.__module__ for service in computing)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the stages' clients."""
        await self._stack.aclose()

    async def run(self, requests: Sequence[CloudEvent]) -> dict[str, JobState]:
        """Run these ``job.requested`` events' jobs, and those that batches expand to; their states by job id.

        Raises:
            ConfigurationError: a plan needs a service that is not installed.
        """
        self._requests.extend(requests)
        while self._requests or self._work or self._timers:
            if self._requests:
                self._admit(self._requests.popleft())
            elif self._work:
                await self._execute_next()
            else:
                self._jump()
        return self._states

    def _admit(self, event: CloudEvent) -> None:
        requested = read(topics.REQUESTS, event)
        if not isinstance(requested, Requested) or requested.job_id in self._states:
            return
        now = _now()
        try:
            if not isinstance(requested.request, JobRequest):
                raise InvalidRequest("a direct run takes requests, not claim checks for them")
            plan = self._resolve(requested.request)
            self._plans[plan.digest] = plan
            decision = admit(plan, requested, now, accepted=_accepted(plan, requested.request))
        except (ConfigurationError, InvalidRequest) as error:
            decision = reject(requested, error.info, now)
        self._apply(decision)

    async def _execute_next(self) -> None:
        """Run all waiting work of the service whose work is next, as a stage service would run a batch."""
        service = self._work[0][0]
        batch = [work for name, work in self._work if name == service]
        self._work = deque(item for item in self._work if item[0] != service)
        executor = await self._executor(service)
        async for outcomes in executor.run(batch):
            for outcome in outcomes:
                event = lifecycle_events.answer(service, outcome)
                self._listen(event)
                self._hear(topics.done(service), event)

    def _hear(self, topic: str, event: CloudEvent) -> None:
        heard = read(topic, event)
        if isinstance(heard, NodeEnded | Deferred):
            state = self._states[heard.job_id]
            plan = self._plans[state.pipeline_version or ""]
            self._apply(advance(plan, state, heard, _now()))

    def _jump(self) -> None:
        (job_id, node), deadline = min(self._timers.items(), key=lambda timer: timer[1])
        state = self._states[job_id]
        event = timer_due(job_id, node, deadline, "/medkg/direct")
        heard = read(topics.CONTROL, event)
        if isinstance(heard, TimerFired):
            self._apply(advance(self._plans[state.pipeline_version or ""], state, heard, deadline))

    def _apply(self, decision: Decision) -> None:
        state = decision.state
        if state is None:
            return
        self._states[state.job_id] = state
        for node, due in decision.effects.timers.items():
            if due is None:
                self._timers.pop((state.job_id, node), None)
            else:
                self._timers[state.job_id, node] = due
        for emit in decision.emits:
            event = to_event(emit, datetime.now(UTC))
            if emit.kind is not Kind.STAGE_REQUESTED:
                self._listen(event)
            elif emit.service is not None:  # what a gate asks of the outside is asked of nobody here
                self._ask(emit.service, read_work(event))

    def _ask(self, service: str, work: Work) -> None:
        if service not in self._services:
            raise ConfigurationError(f"no service {service!r} is installed, so the stage {work.node!r} cannot run")
        self._work.append((service, work))

    async def _executor(self, service: str) -> Executor:
        if service not in self._executors:
            binding, pool = await self._services[service].open(self._stack)
            narrator = _Narrator(service, self._listen, self._requests)
            self._executors[service] = Executor(
                binding, self._store, narrator, publish_items=narrator.publish_items, pool=pool
            )
        return self._executors[service]


class _Narrator(Observer):
    """Tells what one service does."""

    def __init__(self, service: str, listen: Listener, requests: deque[CloudEvent]) -> None:
        self._service = service
        self._listen = listen
        self._requests = requests

    async def started(self, work: Work) -> None:
        self._listen(lifecycle_events.started(self._service, work))

    async def retrying(self, work: Work, retry: int, error: MedkgError, wait_s: float) -> None:
        self._listen(lifecycle_events.retrying(self._service, work, retry, error, wait_s))

    async def breaker_turned(self, policy: Policy, verdict: Verdict, error: MedkgError | None) -> None:
        self._listen(lifecycle_events.breaker_turned(self._service, policy, verdict, error))

    async def publish_items(self, work: Work, requests: Sequence[JobRequest]) -> None:
        """A batch's items become jobs of their own."""
        self._requests.extend(lifecycle_events.item_requested(self._service, work, request) for request in requests)


def _accepted(plan: Plan, request: JobRequest) -> JobAccepted:
    ref = {
        "name": "plan",
        "sha256": plan.digest,
        "size": len(plan.canonical),
        "uri": f"artifact://{SYSTEM_TENANT}/{plan.digest}",
    }
    return JobAccepted.model_validate({"pipeline": plan.name, "digest": plan.digest, "plan": ref, "request": request})


def _now() -> int:
    return round(time() * 1000)
