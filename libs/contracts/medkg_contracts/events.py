"""The events of medkg: which data each kind carries, and how an event is made and read."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import orjson
from pydantic import JsonValue, TypeAdapter, ValidationError

from .cloudevents import JSON, CloudEvent, is_json, rfc3339, without_bom
from .data import (
    BreakerNotice,
    ControlRefused,
    GateNotice,
    Ignored,
    JobAccepted,
    JobEnded,
    JobMigrated,
    JobRestarted,
    LetterClosed,
    RecordRefused,
    RolloutReverted,
    StageDeferred,
    StageDropped,
    StageRequest,
    StageResult,
    StageRetrying,
    StageStarted,
    TimerDue,
    TopologyNotice,
)
from .errors import PoisonRecord
from .explanation import Explanation
from .kinds import Kind
from .model import Contract, first_violation
from .orders import Order, RerunOrder, ScopeOrder
from .requests import JobRequest

ContractT = TypeVar("ContractT", bound=Contract)

_DATA: Mapping[Kind, TypeAdapter[Any]] = {
    kind: TypeAdapter(model)
    for kind, model in {
        Kind.JOB_REQUESTED: JobRequest,
        Kind.JOB_ACCEPTED: JobAccepted,
        Kind.JOB_REJECTED: JobEnded,
        Kind.JOB_COMPLETED: JobEnded,
        Kind.JOB_FAILED: JobEnded,
        Kind.JOB_CANCELLED: JobEnded,
        Kind.JOB_PAUSED: ScopeOrder,
        Kind.JOB_RESUMED: ScopeOrder,
        Kind.JOB_RESTARTED: JobRestarted,
        Kind.JOB_STALLED: Explanation,
        Kind.JOB_MIGRATED: JobMigrated,
        Kind.STAGE_REQUESTED: StageRequest,
        Kind.STAGE_STARTED: StageStarted,
        Kind.STAGE_RETRYING: StageRetrying,
        Kind.STAGE_COMPLETED: StageResult,
        Kind.STAGE_FAILED: StageResult,
        Kind.STAGE_DEFERRED: StageDeferred,
        Kind.STAGE_DROPPED: StageDropped,
        Kind.GATE_WAITING: GateNotice,
        Kind.GATE_OPENED: GateNotice,
        Kind.GATE_EXPIRED: GateNotice,
        Kind.EVENT_IGNORED: Ignored,
        Kind.RECORD_REFUSED: RecordRefused,
        Kind.RECORD_REDRIVEN: LetterClosed,
        Kind.RECORD_DISCARDED: LetterClosed,
        Kind.SCOPE_PAUSED: ScopeOrder,
        Kind.SCOPE_RESUMED: ScopeOrder,
        Kind.BREAKER_OPENED: BreakerNotice,
        Kind.BREAKER_CLOSED: BreakerNotice,
        Kind.ROLLOUT_REVERTED: RolloutReverted,
        Kind.CONTROL_CANCEL: Order,
        Kind.CONTROL_PAUSE: ScopeOrder,
        Kind.CONTROL_RESUME: ScopeOrder,
        Kind.CONTROL_RERUN: RerunOrder,
        Kind.CONTROL_REFUSED: ControlRefused,
        Kind.TIMER_DUE: TimerDue,
        Kind.TOPOLOGY_LOADED: TopologyNotice,
        Kind.TOPOLOGY_REFUSED: TopologyNotice,
    }.items()
}


def data_model(kind: Kind) -> TypeAdapter[Any] | None:
    """The adapter of a kind's data, or None for an event without data."""
    return _DATA.get(kind)


def read_data(event: CloudEvent, model: type[ContractT]) -> ContractT:
    """The event's data as the contract says.

    Raises:
        PoisonRecord: the data are not JSON or break the contract.
    """
    try:
        return model.model_validate_json(without_bom(event.data or b""))
    except ValidationError as error:
        raise PoisonRecord(f"the data of {event.type} break the contract: {first_violation(error)}") from error


def make_event(  # noqa: PLR0913 - these are the event's attributes
    kind: Kind,
    *,
    id: str,  # noqa: A002 - the attribute's own name
    source: str,
    time: datetime,
    data: Contract | None,
    job_id: str,
    subject: str | None = None,
    extensions: Mapping[str, str | None] = {},
) -> CloudEvent:
    """An event of this kind about this job; extensions that are None are left out."""
    attributes = {"partitionkey": job_id, "jobid": job_id}
    attributes.update((name, value) for name, value in extensions.items() if value is not None)
    return CloudEvent(
        id=id,
        source=source,
        type=kind.type,
        time=time,
        subject=subject,
        datacontenttype=JSON if data is not None else None,
        extensions=attributes,
        data=None if data is None else dump(data),
    )


def dump(data: Contract) -> bytes:
    """The data's JSON, without fields that have their default value."""
    return data.__pydantic_serializer__.to_json(data, exclude_defaults=True)


def as_json(event: CloudEvent) -> dict[str, JsonValue]:
    """The event in the CloudEvents JSON format, for people and for `--json`."""
    body: dict[str, JsonValue] = {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type}
    if event.time is not None:
        body["time"] = rfc3339(event.time)
    for name in ("subject", "datacontenttype", "dataschema"):
        value = getattr(event, name)
        if value is not None:
            body[name] = value
    body.update(event.extensions)
    if event.data is not None:
        body |= _json_data(event.data, event.datacontenttype or JSON)
    return body


def _json_data(data: bytes, media_type: str) -> dict[str, JsonValue]:
    """The member that carries the data: their JSON if they are JSON, and otherwise their bytes in base64."""
    if is_json(media_type):
        try:
            return {"data": orjson.loads(without_bom(data))}
        except orjson.JSONDecodeError:
            pass  # not what the content type promises; the bytes themselves are shown then
    return {"data_base64": b64encode(data).decode()}
