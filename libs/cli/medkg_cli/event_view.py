"""An event in a line, for people."""

from collections.abc import Callable, Mapping
from typing import Final

from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import (
    BreakerNotice,
    ControlRefused,
    GateNotice,
    Ignored,
    JobEnded,
    JobRestarted,
    LetterClosed,
    RecordRefused,
    RolloutReverted,
    StageDeferred,
    StageResult,
    StageRetrying,
    TopologyNotice,
)
from medkg_contracts.errors import ErrorInfo, PoisonRecord
from medkg_contracts.events import read_data
from medkg_contracts.explanation import Explanation
from medkg_contracts.kinds import JOB_ENDS, Kind, kind_of
from medkg_contracts.orders import Order, ScopeOrder
from medkg_contracts.records import Place
from rich.text import Text

from .output import duration

#: Colours by the last word of a kind.
_STYLES: Final = {
    **dict.fromkeys(("completed", "opened", "loaded"), "green"),
    **dict.fromkeys(("failed", "rejected", "expired", "refused"), "red"),
    **dict.fromkeys(("retrying", "waiting", "deferred", "stalled", "paused"), "yellow"),
    **dict.fromkeys(("ignored", "dropped", "discarded", "cancelled"), "magenta"),
}


def event_line(event: CloudEvent) -> Text:
    """When, what, which job, which stage, and what there is to say about it."""
    kind = kind_of(event)
    name = event.type if kind is None else kind.value
    time = "" if event.time is None else event.time.strftime("%H:%M:%S.%f")[:-3]
    style = _STYLES.get(name.rpartition(".")[2], "cyan")
    stage = event.extensions.get("stage", "")
    return Text.assemble(
        (time, "dim"),
        " ",
        (f"{name:<16}", style),
        f" {event.extensions.get('jobid', ''):<28} {stage:<10} ",
        detail(event),
    )


def detail(event: CloudEvent) -> str:
    """What the event's data say, in a few words; nothing when they cannot be read."""
    try:
        return _detail(event)
    except PoisonRecord as error:
        return str(error)


def _detail(event: CloudEvent) -> str:
    kind = kind_of(event)
    tell = None if kind is None else _DETAILS.get(kind)
    return "" if tell is None else tell(event)


def _accepted(event: CloudEvent) -> str:
    return f"{event.subject or ''} on {event.extensions.get('topology', '')}"


def _ended(event: CloudEvent) -> str:
    ended = read_data(event, JobEnded)
    if ended.order is not None:
        return _by(ended.order)
    return _error(ended.error) if ended.error else f"after {duration(ended.duration_ms)}"


def _restarted(event: CloudEvent) -> str:
    restarted = read_data(event, JobRestarted)
    return f"{', '.join(restarted.stages)} again, {_by(restarted.order)}"


def _stalled(event: CloudEvent) -> str:
    explanation = read_data(event, Explanation)
    return f"[{explanation.cause}] {explanation.summary}"


def _result(event: CloudEvent) -> str:
    result = read_data(event, StageResult)
    words = [f"took {duration(result.duration_ms)}", f"waited {duration(result.waited_ms)}"]
    if result.retries:
        words.append(f"{result.retries} retries")
    if result.skipped:
        words.append("skipped")
    if result.error is not None:
        words.append(_error(result.error))
    return ", ".join(words)


def _retrying(event: CloudEvent) -> str:
    retrying = read_data(event, StageRetrying)
    return f"in {retrying.wait_s:g} s, after {_error(retrying.error)}"


def _deferred(event: CloudEvent) -> str:
    deferred = read_data(event, StageDeferred)
    return f"asked for again in {deferred.wait_s:g} s, after {_error(deferred.error)}"


def _gate(event: CloudEvent) -> str:
    return read_data(event, GateNotice).topic


def _ignored(event: CloudEvent) -> str:
    ignored = read_data(event, Ignored)
    return f"{ignored.reason}: {ignored.type.rpartition('orchestration.')[2]} on {ignored.topic}"


def _refused(event: CloudEvent) -> str:
    refused = read_data(event, RecordRefused)
    return f"{Place(refused.topic, refused.partition, refused.offset)} went to {refused.dlq}: {_error(refused.error)}"


def _closed(event: CloudEvent) -> str:
    closed = read_data(event, LetterClosed)
    return f"{Place(closed.dlq, closed.partition, closed.offset)} [{closed.code}], {_by(closed.order)}"


def _topology(event: CloudEvent) -> str:
    notice = read_data(event, TopologyNotice)
    return _error(notice.error) if notice.error else f"{notice.file} {(notice.digest or '')[:12]}"


def _breaker(event: CloudEvent) -> str:
    notice = read_data(event, BreakerNotice)
    why = f", next probe in {notice.reset_s:g} s, after {_error(notice.error)}" if notice.error else ""
    return f"{notice.service} by policy {notice.policy}{why}"


def _scope(event: CloudEvent) -> str:
    return _by(read_data(event, ScopeOrder))


def _order_refused(event: CloudEvent) -> str:
    return _error(read_data(event, ControlRefused).error)


def _reverted(event: CloudEvent) -> str:
    return read_data(event, RolloutReverted).reason


#: What there is to say about an event, by its kind.
_DETAILS: Final[Mapping[Kind, Callable[[CloudEvent], str]]] = {
    Kind.JOB_ACCEPTED: _accepted,
    **dict.fromkeys(JOB_ENDS, _ended),
    **dict.fromkeys((Kind.JOB_PAUSED, Kind.JOB_RESUMED, Kind.SCOPE_PAUSED, Kind.SCOPE_RESUMED), _scope),
    Kind.JOB_RESTARTED: _restarted,
    Kind.JOB_STALLED: _stalled,
    **dict.fromkeys((Kind.STAGE_COMPLETED, Kind.STAGE_FAILED), _result),
    Kind.STAGE_RETRYING: _retrying,
    Kind.STAGE_DEFERRED: _deferred,
    **dict.fromkeys((Kind.GATE_WAITING, Kind.GATE_OPENED, Kind.GATE_EXPIRED), _gate),
    Kind.EVENT_IGNORED: _ignored,
    Kind.RECORD_REFUSED: _refused,
    **dict.fromkeys((Kind.RECORD_REDRIVEN, Kind.RECORD_DISCARDED), _closed),
    **dict.fromkeys((Kind.TOPOLOGY_LOADED, Kind.TOPOLOGY_REFUSED), _topology),
    **dict.fromkeys((Kind.BREAKER_OPENED, Kind.BREAKER_CLOSED), _breaker),
    Kind.CONTROL_REFUSED: _order_refused,
    Kind.ROLLOUT_REVERTED: _reverted,
}


def _by(order: Order) -> str:
    """Who ordered it and why."""
    by = f"by {order.by or 'somebody'}"
    return f"{by}: {order.reason}" if order.reason else by


def _error(error: ErrorInfo) -> str:
    return f"[{error.code}] {error.message}"
