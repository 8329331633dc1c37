"""The events of medkg: their types, their data and the attributes that each carries."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, TypeVar

import orjson
from pydantic import Field, JsonValue, StringConstraints, TypeAdapter, ValidationError, model_validator

from .artifacts import ArtifactRef
from .cloudevents import JSON, CloudEvent, is_json, rfc3339
from .errors import ErrorInfo, InvalidRequest, PoisonRecord
from .model import Contract, Identifier, Name

TYPE_PREFIX = "org.medicalkg.orchestration."

ContractT = TypeVar("ContractT", bound=Contract)

#: A tenant that a request does not name.
DEFAULT_TENANT = "public"


class Kind(StrEnum):
    """What happened: the last two words of an event's type."""

    JOB_REQUESTED = "job.requested"
    JOB_ACCEPTED = "job.accepted"
    JOB_REJECTED = "job.rejected"
    JOB_COMPLETED = "job.completed"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    STAGE_REQUESTED = "stage.requested"
    STAGE_STARTED = "stage.started"
    STAGE_RETRYING = "stage.retrying"
    STAGE_COMPLETED = "stage.completed"
    STAGE_FAILED = "stage.failed"
    GATE_WAITING = "gate.waiting"
    GATE_OPENED = "gate.opened"
    GATE_EXPIRED = "gate.expired"
    EVENT_IGNORED = "event.ignored"
    RECORD_REFUSED = "record.refused"
    TIMER_DUE = "timer.due"
    TOPOLOGY_LOADED = "topology.loaded"
    TOPOLOGY_REFUSED = "topology.refused"
    CONTROL_RELOAD = "control.reload"

    @property
    def type(self) -> str:
        """The CloudEvents `type` attribute."""
        return TYPE_PREFIX + self.value


#: A record's id at its source. It becomes part of an event's subject, which has no control characters.
ItemId = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


class JobRequest(Contract):
    """The data of `job.requested`: one item, or a batch given as a list or a query.

    Attributes:
        source: where the items come from, such as ``ctgov``.
        id: one item. Exactly one of `id`, `ids` and `query` is given.
        ids: a list of items: a batch.
        query: the source's own query parameters: a batch of all that it finds.
        limit: for a query, at most so many items.
        topology: its name; None lets the router choose by `source`.
        until: stop after this stage (and what it needs).
        skip_completed: do not run a stage again whose inputs, version and settings it has already seen.
        batch_id: set on the jobs that a batch expanded to.
        metadata: free text values that travel with the job to its stages.
    """

    source: Name
    id: ItemId | None = None
    ids: Annotated[list[ItemId], Field(min_length=1, max_length=100_000)] | None = None
    query: Annotated[dict[str, str], Field(min_length=1, max_length=32)] | None = None
    limit: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    topology: Name | None = None
    until: Name | None = None
    skip_completed: bool = False
    batch_id: Identifier | None = None
    metadata: Annotated[dict[str, Annotated[str, Field(max_length=1024)]], Field(max_length=32)] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        given = [name for name in ("id", "ids", "query") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of id, ids and query, not {', '.join(given) or 'none'}")
        if self.limit is not None and self.query is None:
            raise ValueError("limit belongs to a query")
        return self

    @property
    def is_batch(self) -> bool:
        """Whether this expands to several jobs."""
        return self.id is None

    @property
    def doc_id(self) -> str:
        """``<source>:<id>`` of the item; for a batch ``<source>:*``."""
        return f"{self.source}:{self.id or '*'}"


class RetryPolicy(Contract):
    """The part of a policy that a stage service applies to one stage.

    Attributes:
        timeout_s: seconds that one attempt may take.
        attempts: tries in all, the first included.
        backoff: how waits between tries grow.
        initial_s: the first wait, seconds.
        max_s: the longest wait, seconds.
        jitter_s: a random 0..jitter_s seconds is added to each wait.
    """

    timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    attempts: Annotated[int, Field(ge=1, le=100)] = 1
    backoff: Literal["none", "linear", "exponential"] = "none"
    initial_s: Annotated[float, Field(ge=0, le=3600)] = 0.0
    max_s: Annotated[float, Field(ge=0, le=3600)] = 0.0
    jitter_s: Annotated[float, Field(ge=0, le=60)] = 0.0


#: A job's request, or a claim check for it when it is a long list of items.
RequestOrRef = JobRequest | ArtifactRef


class StageRequest(Contract):
    """The data of `stage.requested`: all that a stage service needs for one job.

    Attributes:
        request: the job's own request.
        inputs: artifacts by name.
        policy: the effective policy.
    """

    request: RequestOrRef
    inputs: dict[Name, ArtifactRef] = Field(default_factory=dict)
    policy: RetryPolicy = Field(default_factory=RetryPolicy)


class StageResult(Contract):
    """The data of `stage.completed` and `stage.failed`.

    Attributes:
        artifacts: what the stage made, by name.
        error: why it failed; None when it completed.
        retries: how often the stage service tried again in place.
        duration_ms: of the last attempt.
        waited_ms: between the request's time and the start of the work.
        skipped: the outputs are those of an earlier, identical run.
        worker: which process did it, ``<host>:<pid>``.
    """

    artifacts: dict[Name, ArtifactRef] = Field(default_factory=dict)
    error: ErrorInfo | None = None
    retries: int = 0
    duration_ms: float = 0.0
    waited_ms: float = 0.0
    skipped: bool = False
    worker: str = ""


class StageStarted(Contract):
    """The data of `stage.started`."""

    worker: str


class StageRetrying(Contract):
    """The data of `stage.retrying`."""

    error: ErrorInfo
    wait_s: float


class JobAccepted(Contract):
    """The data of `job.accepted`.

    Attributes:
        pipeline: the topology's name.
        digest: SHA-256 of its compiled plan: the version that the job is pinned to.
        plan: the compiled plan as a claim check, so that a ledger rebuild needs no topology file.
        request: what was asked for.
    """

    pipeline: Name
    digest: str
    plan: ArtifactRef
    request: RequestOrRef


class JobEnded(Contract):
    """The data of `job.completed`, `job.failed`, `job.cancelled` and `job.rejected`."""

    stage: str | None = None
    error: ErrorInfo | None = None
    duration_ms: float = 0.0


class GateNotice(Contract):
    """The data of `gate.waiting`, `gate.opened` and `gate.expired`.

    Attributes:
        topic: where the gate's event comes from.
        deadline: by when.
        early: the event had come before the gate was reached.
    """

    topic: str
    deadline: datetime | None = None
    early: bool = False


class Ignored(Contract):
    """The data of `event.ignored`: an event that changed nothing, and why.

    Attributes:
        reason: ``duplicate``, ``stale_epoch``, ``late``, ``foreign`` or ``job_ended``.
        type: of the event that was ignored.
        topic: where it came from.
        event_id: its id.
    """

    reason: Literal["duplicate", "stale_epoch", "late", "foreign", "job_ended"]
    type: str
    topic: str
    event_id: str


class RecordRefused(Contract):
    """The data of `record.refused`: a record that went to a DLQ."""

    topic: str
    partition: int
    offset: int
    dlq: str
    error: ErrorInfo


class TimerDue(Contract):
    """The data of `timer.due`: the router's durable timer for a gate's deadline."""

    node: Name


class TopologyNotice(Contract):
    """The data of `topology.loaded` and `topology.refused`."""

    pipeline: str
    digest: str | None = None
    file: str
    error: ErrorInfo | None = None


_DATA: Mapping[Kind, TypeAdapter[Any]] = {
    kind: TypeAdapter(model)
    for kind, model in {
        Kind.JOB_REQUESTED: JobRequest,
        Kind.JOB_ACCEPTED: JobAccepted,
        Kind.JOB_REJECTED: JobEnded,
        Kind.JOB_COMPLETED: JobEnded,
        Kind.JOB_FAILED: JobEnded,
        Kind.JOB_CANCELLED: JobEnded,
        Kind.STAGE_REQUESTED: StageRequest,
        Kind.STAGE_STARTED: StageStarted,
        Kind.STAGE_RETRYING: StageRetrying,
        Kind.STAGE_COMPLETED: StageResult,
        Kind.STAGE_FAILED: StageResult,
        Kind.GATE_WAITING: GateNotice,
        Kind.GATE_OPENED: GateNotice,
        Kind.GATE_EXPIRED: GateNotice,
        Kind.EVENT_IGNORED: Ignored,
        Kind.RECORD_REFUSED: RecordRefused,
        Kind.TIMER_DUE: TimerDue,
        Kind.TOPOLOGY_LOADED: TopologyNotice,
        Kind.TOPOLOGY_REFUSED: TopologyNotice,
    }.items()
}


def kind_of(event: CloudEvent) -> Kind | None:
    """The event's kind, or None when its type is none of medkg's."""
    if not event.type.startswith(TYPE_PREFIX):
        return None
    try:
        return Kind(event.type[len(TYPE_PREFIX) :])
    except ValueError:
        return None


def data_model(kind: Kind) -> TypeAdapter[Any] | None:
    """The adapter of a kind's data, or None for an event without data."""
    return _DATA.get(kind)


def read_data(event: CloudEvent, model: type[ContractT]) -> ContractT:
    """The event's data as the contract says.

    Raises:
        PoisonRecord: the data are not JSON or break the contract.
    """
    try:
        return model.model_validate_json(event.data or b"")
    except ValidationError as error:
        raise PoisonRecord(f"the data of {event.type} break the contract: {first_violation(error)}") from error


def read_request(event: CloudEvent) -> JobRequest:
    """The data of a `job.requested` event.

    Raises:
        PoisonRecord: the data are not JSON.
        InvalidRequest: the data break the contract; the message names the field.
    """
    try:
        body = orjson.loads(event.data or b"")
    except orjson.JSONDecodeError as error:
        raise PoisonRecord(f"the data of the job request are not JSON: {error}") from error
    try:
        return JobRequest.model_validate(body)
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error


def first_violation(error: ValidationError) -> str:
    """The first violation of a pydantic error, as ``field: message``."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {first['msg']}{more}" if where else first["msg"] + more


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
            return {"data": orjson.loads(data)}
        except orjson.JSONDecodeError:
            pass  # not what the content type promises; the bytes themselves are shown then
    return {"data_base64": b64encode(data).decode()}
