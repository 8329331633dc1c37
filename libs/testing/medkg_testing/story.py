"""What was told on the topic of lifecycle events, by job, and waiting for what is told next."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition
from time import monotonic

import orjson
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.kinds import JOB_ENDS, Kind, kind_of

from .watch import NotAsExpected, Watch


class Story:
    """All lifecycle events so far; one thread tells, any others listen.

    An event that is told twice (the product sends at least once) stands here once.
    """

    def __init__(self, logs: str) -> None:
        self._logs = logs
        self._events: dict[str, dict[tuple[str, str], CloudEvent]] = {}
        self._watches: list[Watch] = []
        self._broken: BaseException | None = None
        self._more = Condition()

    def tell(self, events: Sequence[CloudEvent]) -> None:
        """Add events, in the order in which they came."""
        with self._more:
            for event in events:
                of_job = self._events.setdefault(event.extensions.get("jobid", ""), {})
                of_job.setdefault((event.source, event.id), event)
            watches = list(self._watches)
            self._more.notify_all()
        # Not under our lock: who waits at a watch may ask for a job's events meanwhile.
        for watch in watches:
            watch.tell(events)

    def break_off(self, reason: BaseException) -> None:
        """Nothing more will be told; whoever waits is told why."""
        with self._more:
            self._broken = reason
            watches = list(self._watches)
            self._more.notify_all()
        for watch in watches:
            watch.break_off(reason)

    def of(self, job: str) -> list[CloudEvent]:
        """What was told of the job so far, in order."""
        with self._more:
            return list(self._events.get(job, {}).values())

    def forget(self, jobs: Sequence[str]) -> None:
        """Keep nothing of these jobs any more."""
        with self._more:
            for job in jobs:
                self._events.pop(job, None)

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        """Whatever is told from now on, until the end of the context."""
        watch = Watch()
        with self._more:
            self._watches.append(watch)
        try:
            yield watch
        finally:
            with self._more:
                self._watches.remove(watch)

    def wait(self, kind: Kind, job: str, timeout_s: float, stage: str | None = None) -> CloudEvent:
        """The job's first event of this kind (about this stage), told already or told within the time.

        Raises:
            NotAsExpected: it did not come in time; or it is an end of the job, and the job ended otherwise.
        """

        def look(events: Sequence[CloudEvent]) -> CloudEvent | None:
            found = next((event for event in events if kind_of(event) is kind and _is_about(event, stage)), None)
            if found is None and (end := ended_otherwise(kind, events)) is not None:
                raise NotAsExpected(_other_end(kind, job, end, events))
            return found

        return self._wait(look, f"{kind} {stage}" if stage else str(kind), job, monotonic() + timeout_s, timeout_s)

    def wait_for_ends(self, jobs: Sequence[str], timeout_s: float) -> list[CloudEvent]:
        """The event that ended each of these jobs, since it last began; told already or told within the time.

        Raises:
            NotAsExpected: one of them did not end in time.
        """
        deadline = monotonic() + timeout_s
        return [self._wait(ended, "end", job, deadline, timeout_s) for job in jobs]

    def _wait(
        self,
        look: Callable[[Sequence[CloudEvent]], CloudEvent | None],
        what: str,
        job: str,
        deadline: float,
        timeout_s: float,
    ) -> CloudEvent:
        with self._more:
            while True:
                events = list(self._events.get(job, {}).values())
                found = look(events)
                if found is not None:
                    return found
                if self._broken is not None:
                    raise NotAsExpected(f"the lifecycle events can be read no more: {self._broken!r}")
                left = deadline - monotonic()
                if left <= 0:
                    raise NotAsExpected(self._too_late(what, job, timeout_s, events))
                self._more.wait(left)

    def _too_late(self, what: str, job: str, timeout_s: float, events: Sequence[CloudEvent]) -> str:
        late = f"no {what} of job {job} within {timeout_s:g} s"
        if not events:
            others = f"; events of {len(self._events)} other jobs did" if self._events else ""
            remedy = f"Compare the id with what `submit` returned, and look at the router's log: {self._logs}"
            return f"{late}\nNothing at all came of it{others}.\nRemedy: {remedy}."
        remedy = f"Give it longer (timeout=…), or look at the log of the service that is due next: {self._logs}"
        return f"{late}\nWhat came: {_lines(events)}\nRemedy: {remedy}."


def ended(events: Sequence[CloudEvent]) -> CloudEvent | None:
    """The event that ended the job since it last began, or None."""
    end: CloudEvent | None = None
    for event in events:
        happened = kind_of(event)
        if happened is Kind.JOB_RESTARTED:
            end = None
        elif happened in JOB_ENDS:
            end = event
    return end


def ended_otherwise(kind: Kind, events: Sequence[CloudEvent]) -> CloudEvent | None:
    """The event that ended the job, when that leaves no hope for the end that is waited for."""
    return ended(events) if kind in JOB_ENDS else None


def line(event: CloudEvent) -> str:
    """An event in a line: what happened, to which stage, and what was wrong."""
    stage = event.extensions.get("stage")
    text = f"{kind_of(event) or event.type} {stage}" if stage else str(kind_of(event) or event.type)
    error = _error(event)
    return f"{text} ({error['code']}: {error['message']})" if error else text


def _is_about(event: CloudEvent, stage: str | None) -> bool:
    return stage in (None, event.extensions.get("stage"))


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
