"""An event in a line, for people."""

from typing import Final

from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import (
    GateNotice,
    Ignored,
    JobEnded,
    RecordRefused,
    StageResult,
    StageRetrying,
    TopologyNotice,
)
from medkg_contracts.errors import ErrorInfo, PoisonRecord
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from rich.text import Text

from .output import duration

#: Colours by the last word of a kind.
_STYLES: Final = {
    **dict.fromkeys(("completed", "opened", "loaded"), "green"),
    **dict.fromkeys(("failed", "rejected", "expired", "refused"), "red"),
    **dict.fromkeys(("retrying", "waiting"), "yellow"),
    "ignored": "magenta",
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


def _detail(event: CloudEvent) -> str:  # noqa: PLR0911 - a case for each kind
    match kind_of(event):
        case Kind.JOB_ACCEPTED:
            return f"{event.subject or ''} on {event.extensions.get('topology', '')}"
        case Kind.STAGE_COMPLETED | Kind.STAGE_FAILED:
            return _result(read_data(event, StageResult))
        case Kind.STAGE_RETRYING:
            retrying = read_data(event, StageRetrying)
            return f"in {retrying.wait_s:g} s, after {_error(retrying.error)}"
        case Kind.JOB_COMPLETED | Kind.JOB_FAILED | Kind.JOB_REJECTED | Kind.JOB_CANCELLED:
            ended = read_data(event, JobEnded)
            return _error(ended.error) if ended.error else f"after {duration(ended.duration_ms)}"
        case Kind.GATE_WAITING | Kind.GATE_OPENED | Kind.GATE_EXPIRED:
            return read_data(event, GateNotice).topic
        case Kind.EVENT_IGNORED:
            ignored = read_data(event, Ignored)
            return f"{ignored.reason}: {ignored.type.rpartition('orchestration.')[2]} on {ignored.topic}"
        case Kind.RECORD_REFUSED:
            refused = read_data(event, RecordRefused)
            place = f"{refused.topic}/{refused.partition}@{refused.offset}"
            return f"{place} went to {refused.dlq}: {_error(refused.error)}"
        case Kind.TOPOLOGY_LOADED | Kind.TOPOLOGY_REFUSED:
            notice = read_data(event, TopologyNotice)
            return _error(notice.error) if notice.error else f"{notice.file} {(notice.digest or '')[:12]}"
    return ""


def _result(result: StageResult) -> str:
    words = [f"took {duration(result.duration_ms)}", f"waited {duration(result.waited_ms)}"]
    if result.retries:
        words.append(f"{result.retries} retries")
    if result.skipped:
        words.append("skipped")
    if result.error is not None:
        words.append(_error(result.error))
    return ", ".join(words)


def _error(error: ErrorInfo) -> str:
    return f"[{error.code}] {error.message}"
