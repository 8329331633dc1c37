"""What was told on the topic of lifecycle events, by job, and waiting for what is told next."""

from collections.abc import Sequence
from threading import Condition
from time import monotonic

import orjson
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.kinds import JOB_ENDS, Kind, kind_of


class NotAsExpected(AssertionError):
    """What a test waited for did not come, or cannot come any more."""


class Story:
    """All lifecycle events so far; one thread tells, any others listen.

    An event that is told twice (the product sends at least once) stands here once.
    """

    def __init__(self, logs: str) -> None:
        self._logs = logs
        self._events: dict[str, list[CloudEvent]] = {}
        self._seen: set[tuple[str, str]] = set()
        self._broken: BaseException | None = None
        self._more = Condition()

    def tell(self, events: Sequence[CloudEvent]) -> None:
        """Add events, in the order in which they came."""
        with self._more:
            for event in events:
                if (event.source, event.id) not in self._seen:
                    self._seen.add((event.source, event.id))
                    self._events.setdefault(event.extensions.get("jobid", ""), []).append(event)
            self._more.notify_all()

    def break_off(self, reason: BaseException) -> None:
        """Nothing more will be told; whoever waits is told why."""
        with self._more:
            self._broken = reason
            self._more.notify_all()

    def of(self, job: str) -> list[CloudEvent]:
        """What was told of the job so far, in order."""
        with self._more:
            return list(self._events.get(job, ()))

    def wait(self, kind: Kind, job: str, timeout_s: float) -> CloudEvent:
        """The job's first event of this kind, told already or told within the time.

        Raises:
            NotAsExpected: it did not come in time; or it is an end of the job, and the job ended otherwise.
        """
        deadline = monotonic() + timeout_s
        with self._more:
            while True:
                events = self._events.get(job, [])
                found = next((event for event in events if kind_of(event) is kind), None)
                if found is not None:
                    return found
                if self._broken is not None:
                    raise NotAsExpected(f"the lifecycle events can be read no more: {self._broken!r}")
                if (end := ended_otherwise(kind, events)) is not None:
                    raise NotAsExpected(_other_end(kind, job, end, events))
                left = deadline - monotonic()
                if left <= 0:
                    raise NotAsExpected(self._too_late(kind, job, timeout_s, events))
                self._more.wait(left)

    def _too_late(self, kind: Kind, job: str, timeout_s: float, events: Sequence[CloudEvent]) -> str:
        late = f"no {kind} of job {job} within {timeout_s:g} s"
        if not events:
            others = f"; events of {len(self._events)} other jobs did" if self._events else ""
            remedy = f"Compare the id with what `submit` returned, and look at the router's log: {self._logs}"
            return f"{late}\nNothing at all came of it{others}.\nRemedy: {remedy}."
        remedy = f"Give it longer (timeout=…), or look at the log of the service that is due next: {self._logs}"
        return f"{late}\nWhat came: {_lines(events)}\nRemedy: {remedy}."


def ended_otherwise(kind: Kind, events: Sequence[CloudEvent]) -> CloudEvent | None:
    """The event that ended the job since it last began, when that leaves no hope for the end that is waited for."""
    if kind not in JOB_ENDS:
        return None
    end: CloudEvent | None = None
    for event in events:
        happened = kind_of(event)
        if happened is Kind.JOB_RESTARTED:
            end = None
        elif happened in JOB_ENDS:
            end = event
    return end


def line(event: CloudEvent) -> str:
    """An event in a line: what happened, to which stage, and what was wrong."""
    stage = event.extensions.get("stage")
    text = f"{kind_of(event) or event.type} {stage}" if stage else str(kind_of(event) or event.type)
    error = _error(event)
    return f"{text} ({error['code']}: {error['message']})" if error else text


def _other_end(kind: Kind, job: str, end: CloudEvent, events: Sequence[CloudEvent]) -> str:
    error = _error(end)
    remedy = f"\nRemedy: {error['remedy']}" if error else ""
    return f"no {kind} of job {job}: {line(end)}\nWhat came: {_lines(events)}{remedy}"


def _lines(events: Sequence[CloudEvent]) -> str:
    return "".join(f"\n  {line(event)}" for event in events)


def _error(event: CloudEvent) -> dict[str, str] | None:
    try:
        data = orjson.loads(event.data or b"null")
    except orjson.JSONDecodeError:
        return None
    error = data.get("error") if isinstance(data, dict) else None
    return {"code": "", "message": "", "remedy": "", **error} if isinstance(error, dict) else None
