"""What is concluded about a stage that has been asked for, or is to be asked for again.

Causes are looked for in the order in which they hide each other: whoever mends the one that is named sees the job
go on, or sees the next one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from medkg_contracts import topics
from medkg_contracts.errors import GpuUnavailable, ModelServerUnavailable
from medkg_contracts.kinds import Kind
from medkg_ledger import JobState, NodeStatus
from medkg_stagekit.guard import BreakerState

from .causes import Cause
from .facts import StageFacts
from .finding import Finding, held_back, poisoned, said
from .pauses import about_pause_of_given, about_pauses
from .router import overdue, unread, unsent

Check = Callable[[JobState, StageFacts], Finding | None]


def about_stage(job: JobState, facts: StageFacts, now: int) -> Finding:
    """Why the job waits for this stage; `now` in milliseconds since 1970."""
    if facts.current.status is NodeStatus.DEFERRED:
        return _deferred(job, facts, now)
    found = (check(job, facts) for check in (_HELD if facts.credit.held else _GIVEN))
    return next(finding for finding in found if finding is not None)


def _deferred(job: JobState, facts: StageFacts, now: int) -> Finding:
    node, due = facts.node, facts.current.deadline or 0
    if now > due:
        return overdue((now - due) / 1000, facts.router, node.name, f"the next try of {node.name}")
    tried, attempts = facts.current.tried, node.policy.attempts
    return Finding(
        Cause.TIMER_NOT_DUE,
        f"try {tried} of {attempts} of {node.name} failed; the next one is due in {(due - now) / 1000:.0f} s",
        f"Wait, or mend what the last error names and then try at once: `medkg job rerun {job.job_id}`.",
        stage=node.name,
        waiting_on="the ledger's timer",
        last_error=said(facts.error),
    )


def _answered(_: JobState, facts: StageFacts) -> Finding | None:
    name = facts.node.name
    return None if facts.answer is None else unread(facts.answer, facts.router, name, f"the answer of {name}")


def _held_back(_: JobState, facts: StageFacts) -> Finding | None:
    if facts.held_back is None:
        return None
    is_request = facts.held_back.record.topic == topics.queue(facts.node.service)
    what = f"the request for {facts.node.name}" if is_request else f"the answer of {facts.node.name}"
    return held_back(facts.held_back, facts.node.name, what)


def _poisoned(_: JobState, facts: StageFacts) -> Finding | None:
    return None if facts.letter is None else poisoned(facts.letter, facts.node.name)


def _missing(job: JobState, facts: StageFacts) -> Finding | None:
    """There is no request to wait for: it has not been sent, has been done without an answer, or is gone."""
    name, queue = facts.node.name, topics.queue(facts.node.service)
    if facts.unsent:
        return unsent(facts.router, name)
    if facts.record is None:
        summary = f"its request is not on {queue} any more, and nobody answered it"
    elif facts.record.offset < facts.reader.committed:
        summary = f"{facts.node.service} has finished with its request, but there is no answer to it"
    else:
        return None
    return Finding(
        Cause.RECORD_GONE,
        summary,
        f"Ask for it again: `medkg job rerun {job.job_id} --from {name}`.",
        stage=name,
        record=_place(facts),
        waiting_on=f"an answer on {topics.done(facts.node.service)}",
        last_error=said(facts.error),
    )


#: What a service that runs a model did not start for, by the error's code: the cause, the want, what to do about it.
_WANTED: Final[Mapping[str, tuple[Cause, str, str]]] = {
    GpuUnavailable.code: (
        Cause.NO_GPU,
        "of a GPU",
        "Start it where there is a usable GPU, or choose MK_ACCELERATOR=cpu yourself",
    ),
    ModelServerUnavailable.code: (
        Cause.NO_MODEL_SERVER,
        "of the server of its model",
        "Start that server, or correct the address that the last error names",
    ),
}


def _nothing_to_run_on(_: JobState, facts: StageFacts) -> Finding | None:
    service = facts.node.service
    wanted = None if facts.notice is None else _WANTED.get(facts.notice.code)
    if wanted is None or not _unread(facts):
        return None
    cause, want, action = wanted
    return Finding(
        cause,
        f"{service} did not start for want {want}" + _queued(facts),
        f"{action}; then `medkg restart {service}`.",
        stage=facts.node.name,
        record=_place(facts),
        waiting_on=f"a running {service} service",
        last_error=_refusal(facts),
    )


def _dead_consumer(_: JobState, facts: StageFacts) -> Finding | None:
    service = facts.node.service
    if not _unread(facts):
        return None
    where = "runs" if facts.record is None else f"reads {topics.queue(service)}/{facts.record.partition}"
    return Finding(
        Cause.DEAD_CONSUMER,
        f"no consumer of the group {topics.group(service)} {where}" + _queued(facts),
        f"Start it: `medkg restart {service}`; its log is `medkg logs {service}`.",
        stage=facts.node.name,
        record=_place(facts),
        waiting_on=f"a running {service} service",
        last_error=_refusal(facts) or said(facts.error),
    )


def _open_breaker(_: JobState, facts: StageFacts) -> Finding | None:
    guard, node = facts.guard, facts.node
    is_probe = guard.state is BreakerState.HALF_OPEN and facts.at_work
    if guard.state is BreakerState.CLOSED or is_probe:
        return None
    probe = f"the next probe is in {guard.probe_s:.0f} s" if guard.state is BreakerState.OPEN else "a probe is due"
    return Finding(
        Cause.OPEN_BREAKER,
        f"the breaker of {node.service} (policy {node.policy.name}) is open; {probe}" + _queued(facts),
        "Mend what the last error names; the breaker closes by itself with the first success. "
        f"`medkg logs {node.service}` has the failures.",
        stage=node.name,
        record=_place(facts),
        waiting_on=f"a probe of {node.service} that succeeds",
        last_error=said(facts.opened_by or facts.error),
    )


def _workers_busy(job: JobState, facts: StageFacts) -> Finding | None:
    """Long jobs hold all workers of whoever is to do it: of its partition's reader, or of all while it has none."""
    busy, service = facts.busy, facts.node.service
    if any(job.job_id in notice.jobs for notice in busy):
        return None
    if facts.record is not None:
        # Kafka makes a member's id of what the process calls itself.
        busy = [
            each for each in busy if (facts.reader.owner or "").startswith(f"{topics.group(service)}.{each.worker}-")
        ]
    elif len(busy) < facts.reader.members:
        return None
    if not busy:
        return None
    return Finding(
        Cause.WORKERS_BUSY,
        f"{busy[0].worker}: {busy[0].message}" + _queued(facts),
        "Each of them ends at its policy's timeout; cancel what nobody wants, `medkg job cancel JOB`. "
        f"If they come again and again, start more consumers: `{_more(facts)}`.",
        stage=facts.node.name,
        record=_place(facts),
        waiting_on=f"a worker of {service} that is free",
        last_error=said(facts.error),
    )


def _waits_for_credit(_: JobState, facts: StageFacts) -> Finding | None:
    credit, node = facts.credit, facts.node
    slot = facts.guard.permit_s
    paced = f"; the rate limit of policy {node.policy.name} lets the next through in {slot:.1f} s" if slot > 0 else ""
    return Finding(
        Cause.WAITING_FOR_CREDIT,
        f"{node.service} has {credit.flight} requests of a window of {credit.window}; "
        f"{credit.position} others of its tenant go before this one{paced}",
        f"Wait, or start more consumers: `{_more(facts)}`.",
        stage=node.name,
        waiting_on=f"{node.service} to answer what it has been given",
        last_error=said(facts.error),
    )


def _rate_limited(_: JobState, facts: StageFacts) -> Finding | None:
    node, slot = facts.node, facts.guard.permit_s
    if slot <= 0 or facts.at_work:
        return None
    rate = f" of {node.policy.rate.per_s:g} a second" if node.policy.rate else ""
    return Finding(
        Cause.RATE_LIMITED,
        f"the rate limit{rate} (policy {node.policy.name}) is used up; the next slot is in {slot:.1f} s"
        + _queued(facts),
        "Wait; if the other side allows more, raise `rate` in topologies/policies.yaml and `medkg topology reload`.",
        stage=node.name,
        record=_place(facts),
        waiting_on=f"a slot of the policy {node.policy.name}",
        last_error=said(facts.error),
    )


def _lagging(_: JobState, facts: StageFacts) -> Finding | None:
    behind = _behind(facts)
    if behind <= 0 or facts.story:
        return None
    return Finding(
        Cause.LAGGING_CONSUMER,
        f"{behind} records stand before it on {topics.queue(facts.node.service)}: "
        f"the group is at offset {facts.reader.committed}",
        f"Wait, or start more consumers: `{_more(facts)}`.",
        stage=facts.node.name,
        record=_place(facts),
        waiting_on=f"{facts.reader.owner} to get through them",
    )


def _not_begun(_: JobState, facts: StageFacts) -> Finding | None:
    if facts.story:
        return None
    service = facts.node.service
    return Finding(
        Cause.NOT_BEGUN,
        f"{service} has not begun with it, though nothing stands before it",
        f"Ask again in 10 s: so late a dead consumer is missed. See `medkg logs {service}`.",
        stage=facts.node.name,
        record=_place(facts),
        waiting_on=facts.reader.owner,
    )


def _in_work(job: JobState, facts: StageFacts) -> Finding | None:
    service, attempts = facts.node.service, facts.node.policy.attempts
    retries = sum(told.kind is Kind.STAGE_RETRYING for told in facts.story)
    if retries:
        tried = facts.current.tried + retries
        cause, summary = Cause.RETRYING, f"try {tried} of {attempts} failed, and {service} tries again"
    else:
        cause, summary = Cause.IN_WORK, f"{service} is working on it"
    return Finding(
        cause,
        summary,
        f"Wait; `medkg events tail --job {job.job_id}` shows each try.",
        stage=facts.node.name,
        record=_place(facts),
        waiting_on=facts.reader.owner,
        last_error=said(facts.error),
    )


#: What can be true of a request that the service has not been given, the first that is true first.
_HELD: Final[Sequence[Check]] = (
    about_pauses,
    _nothing_to_run_on,
    _dead_consumer,
    _open_breaker,
    _workers_busy,
    _waits_for_credit,
)

#: What can be true of a request that the service has been given, the first that is true first.
_GIVEN: Final[Sequence[Check]] = (
    _answered,
    _held_back,
    _poisoned,
    _missing,
    about_pause_of_given,
    _nothing_to_run_on,
    _dead_consumer,
    _open_breaker,
    _workers_busy,
    _rate_limited,
    _lagging,
    _not_begun,
    _in_work,
)


def _unread(facts: StageFacts) -> bool:
    """Whether nobody reads what the job waits for: its record's partition, or while it has none, the whole queue."""
    return facts.reader.members == 0 if facts.record is None else facts.reader.owner is None


def _behind(facts: StageFacts) -> int:
    return 0 if facts.record is None else facts.record.offset - facts.reader.committed


def _queued(facts: StageFacts) -> str:
    """How far away the request's turn is, to be added to a summary."""
    if facts.credit.held:
        return f"; {facts.credit.position} others of its tenant that wait for it go before this one"
    behind = _behind(facts)
    return f"; {behind} records stand before it" if behind > 0 and not facts.story else ""


def _refusal(facts: StageFacts) -> str | None:
    """Why the service did not start, as far as it could say."""
    return None if facts.notice is None else f"[{facts.notice.code}] {facts.notice.message} ({facts.notice.worker})"


def _more(facts: StageFacts) -> str:
    return f"medkg up --scale {facts.node.service}={facts.reader.members + 1}"


def _place(facts: StageFacts) -> str | None:
    return None if facts.record is None else str(facts.record.place)
