"""A job's state from its history: what `medkg ledger rebuild` folds over the records in Kafka.

What the router heard stands in its input topics, without the order in which it was heard across them. What it said
stands in ``orchestration.events.v1``, numbered. So what it said of requests and orders (the verdicts) is taken as
given, and what it heard is fitted in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import JobAccepted, JobRestarted
from medkg_contracts.errors import ErrorInfo
from medkg_contracts.kinds import Kind
from medkg_ledger.state import JobState, NodeStatus
from medkg_topology.plan import Plan

from .advance import advance
from .begin import admit, reject
from .decision import Decision, timers
from .emit import Emit
from .inbound import Cancel, Happening, JobEvent, NodeEnded, Pause, Requested, Rerun, Resume
from .restart import restart


@dataclass(frozen=True, slots=True)
class Migrated:
    """The job was brought over from the system before medkg (``job.migrated``); nobody requested it here."""

    state: JobState


@dataclass(frozen=True, slots=True)
class Accepted:
    """The router accepted a request (``job.accepted``).

    Attributes:
        cause: the event's `causationid`; empty for the job's first request, whichever that is.
        source: the event's `causationsource`; empty where it has none, here and below.
        tenant_id: whose the request was; None for whoever's.
    """

    plan: Plan
    data: JobAccepted
    cause: str = ""
    source: str = ""
    tenant_id: str | None = None

    def may_be_about(self, request: Requested) -> bool:
        """Whether this may be the request that was accepted."""
        asked = isinstance(self.data.request, ArtifactRef) or self.data.request == request.request
        return asked and _caused(self, request) and self.tenant_id in (None, request.tenant_id)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The router rejected a request (``job.rejected``); the rest as in `Accepted`."""

    error: ErrorInfo
    cause: str = ""
    source: str = ""
    tenant_id: str | None = None

    def may_be_about(self, request: Requested) -> bool:
        """Whether this may be the request that was rejected."""
        return _caused(self, request) and self.tenant_id in (None, request.tenant_id)


@dataclass(frozen=True, slots=True)
class Obeyed:
    """The router obeyed an order (``job.cancelled``, ``job.paused``, ``job.resumed``).

    Attributes:
        cause: the event's `causationid`: the order's id.
        sequence: the event's `sequence`.
    """

    cause: str
    sequence: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The router ran the job again (``job.restarted``), on this plan; the rest as in `Obeyed`."""

    plan: Plan
    data: JobRestarted
    cause: str
    sequence: int
    source: str = ""


Verdict = Migrated | Accepted | Rejected | Obeyed | Restarted


@dataclass(frozen=True, slots=True)
class Past:
    """An event of the job's history, with its record's time in milliseconds since 1970."""

    event: JobEvent
    now: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """A job as its history leaves it.

    Attributes:
        asks: the request for each stage that is REQUESTED, as the router sent or held it.
    """

    state: JobState
    asks: dict[str, Emit] = field(default_factory=dict)

    @property
    def timers(self) -> dict[str, int]:
        """The gates that wait and the stages that are deferred, and until when: milliseconds since 1970."""
        return dict(timers(self.state))

    @property
    def paused(self) -> bool:
        """Whether the job's asks are held until it is resumed."""
        return self.state.paused


def replay(verdicts: Sequence[Verdict], history: Sequence[Past]) -> Replayed | None:
    """The job after its history, or None when the router has not begun it.

    Args:
        verdicts: in the order of the events' `sequence`, each once: Kafka may have an event twice.
        history: in any order. It is applied in order of time; clocks differ between machines, so an answer may seem
            older than its question: what does not apply yet is tried again after what does.
    """
    fold = _Fold(history)
    for verdict in verdicts:
        match verdict:
            case Migrated():
                fold.state = fold.state or verdict.state
            case Accepted() | Rejected():
                fold.begin(verdict)
            case Obeyed() | Restarted():
                fold.obey(verdict)
    fold.hear()
    return fold.replayed()


class _Fold:
    """The job as far as its history has been applied."""

    def __init__(self, history: Sequence[Past]) -> None:
        self.state: JobState | None = None
        self.plan: Plan | None = None
        self.asks: dict[str, Emit] = {}
        self.requests: list[tuple[Requested, int]] = []
        self.orders: dict[str, tuple[Cancel | Pause | Resume | Rerun, int]] = {}
        self.waiting: list[tuple[Happening, int]] = []
        for past in sorted(history, key=lambda past: past.now):
            match past.event:
                case Requested() as event:
                    self.requests.append((event, past.now))
                case Cancel() | Pause() | Resume() | Rerun() as event:
                    self.orders.setdefault(event.origin.identity, (event, past.now))
                case event:
                    self.waiting.append((event, past.now))

    def begin(self, verdict: Accepted | Rejected) -> None:
        """Begin the job as the verdict says, with the first request that it can be about and that is left."""
        about = [request for request in self.requests if verdict.may_be_about(request[0])]
        if not about:
            return
        event, now = about[0]
        if len(about) > 1:  # the last one stays, for the router may have heard it twice
            self.requests.remove(about[0])
        if isinstance(verdict, Rejected):
            self._take(reject(event, verdict.error, now, after=self.state))
            return
        event = replace(event, request=verdict.data.request)
        self._take(admit(verdict.plan, event, now, accepted=verdict.data, after=self.state))
        self.plan = verdict.plan

    def obey(self, verdict: Obeyed | Restarted) -> None:
        """Hear what the router had heard before the order, then apply the order as the verdict says."""
        heard = next((heard for heard in self.orders.values() if _caused(verdict, heard[0])), None)
        if heard is None or self.state is None:
            return
        order, now = heard
        self.hear(verdict.sequence - 1, now)
        # What names no run and fitted nowhere until now was not meant for the run that may begin here.
        self.waiting = [(event, at) for event, at in self.waiting if at > now or not _names_no_run(event)]
        state = self.state.model_copy(update={"sequence": verdict.sequence - 1})
        if isinstance(verdict, Restarted):
            if isinstance(order, Rerun):
                data = verdict.data
                decision = restart(verdict.plan, state, order, now, ref=data.plan, again=data.stages, pinned=self.plan)
                self._take(decision)
                self.plan = verdict.plan
        elif self.plan is not None and not isinstance(order, Rerun):
            self._take(advance(self.plan, state, order, now))

    def hear(self, last: int | None = None, before: int = 0) -> None:
        """Apply what waits.

        Args:
            last: the number of the last event that the router said because of it; None for no limit.
            before: what is later than this is applied only as far as that number needs it.
        """
        heard = True
        while heard:
            waiting, self.waiting = self.waiting, []
            self.waiting = [one for one in waiting if not self._applies(*one, last, before)]
            heard = len(self.waiting) < len(waiting)

    def replayed(self) -> Replayed | None:
        """The job as it is now."""
        if self.state is None:
            return None
        nodes = {name: node for name, node in self.state.nodes.items() if node.status is NodeStatus.REQUESTED}
        asks = {name: ask for name, ask in self.asks.items() if name in nodes and ask.epoch == nodes[name].epoch}
        return Replayed(self.state, asks)

    def _applies(self, event: Happening, now: int, last: int | None, before: int) -> bool:
        """Apply one event if its turn has come; whether it is dealt with."""
        if self.state is None or self.plan is None:
            return False
        if last is not None and now > before and self.state.sequence >= last:
            return False
        decision = advance(self.plan, self.state, event, now)
        if decision.ignored:
            return decision.ignored[0].data.reason != "foreign"
        if last is not None and decision.state is not None and decision.state.sequence > last:
            return False
        self._take(decision)
        return True

    def _take(self, decision: Decision) -> None:
        self.state = decision.state
        self.asks |= {emit.node: emit for emit in decision.emits if emit.kind is Kind.STAGE_REQUESTED and emit.node}


def _caused(verdict: Accepted | Rejected | Obeyed | Restarted, event: JobEvent) -> bool:
    """Whether the verdict may name this event as its cause."""
    return verdict.cause in ("", event.origin.event_id) and verdict.source in ("", event.origin.source)


def _names_no_run(event: Happening) -> bool:
    return isinstance(event, NodeEnded) and event.epoch is None
