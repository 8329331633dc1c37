"""Events: every kind's data survive the wire, and what breaks the contract is named."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.cloudevents import CloudEvent, from_record, to_headers
from medkg_contracts.data import (
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
    VersionFigures,
)
from medkg_contracts.errors import ErrorInfo, InvalidRequest, PoisonRecord
from medkg_contracts.events import as_json, data_model, dump, make_event, read_data
from medkg_contracts.explanation import Explanation
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.model import Contract, first_violation
from medkg_contracts.orders import Order, RerunOrder, ScopeOrder
from medkg_contracts.policy import Breaker, Policy, RateLimit
from medkg_contracts.requests import JobRequest, read_request
from pydantic import TypeAdapter, ValidationError

NOW = datetime(2025, 11, 20, 9, 30, tzinfo=UTC)
SHA = "0" * 64
REF = ArtifactRef(name="document", sha256=SHA, size=61420, uri=f"artifact://public/{SHA}")
ERROR = ErrorInfo(code="timeout", message="parse took 31 s", retryable=True, remedy="Wait.")
REQUEST = JobRequest(source="ctgov", id="NCT05814159", metadata={"by": "curation"})
RESULT = StageResult(artifacts={"document": REF}, retries=1, duration_ms=41.2, waited_ms=3.9, worker="parse-0:17")
ENDED = JobEnded(stage="parse", error=ERROR, duration_ms=12.5)
GATE = GateNotice(topic="mineru.done.v1", deadline=NOW, early=True)
ORDER = Order(by="j.meyer", reason="by mistake")
SCOPE = ScopeOrder(by="j.meyer", scope="stage", name="index", drain=True)
RERUN = RerunOrder(by="j.meyer", stage="chunk", latest=True)
LETTER = LetterClosed(dlq="parse.dlq.v1", partition=4, offset=17, code="bug", latest=True, order=ORDER)
BREAKER = BreakerNotice(service="index", policy="server", reset_s=60.0, error=ERROR, worker="index-0:17")
POLICY = Policy(name="server", attempts=3, breaker=Breaker(failures=5, reset_s=60), rate=RateLimit(per_s=5))
TOPOLOGY = TopologyNotice(pipeline="trials", digest=SHA, file="trials.yaml", error=ERROR)

DATA: dict[Kind, Contract] = {
    Kind.JOB_REQUESTED: REQUEST,
    Kind.JOB_ACCEPTED: JobAccepted(pipeline="trials", digest=SHA, plan=REF, request=REF),
    Kind.JOB_REJECTED: ENDED,
    Kind.JOB_COMPLETED: ENDED,
    Kind.JOB_FAILED: ENDED,
    Kind.JOB_CANCELLED: JobEnded(stage="parse", order=ORDER),
    Kind.JOB_PAUSED: ScopeOrder(scope="job", name="j-1"),
    Kind.JOB_RESUMED: ScopeOrder(scope="job", name="j-1"),
    Kind.JOB_RESTARTED: JobRestarted(stages=["chunk"], pipeline="trials", digest=SHA, plan=REF, order=RERUN),
    Kind.JOB_STALLED: Explanation(job_id="j-1", status="running", cause="gate_closed", summary="s", next_action="n"),
    Kind.JOB_MIGRATED: JobMigrated(state={"job_id": "j-1", "nodes": {"parse": {"epoch": 1}}}),
    Kind.STAGE_REQUESTED: StageRequest(request=REQUEST, inputs={"document": REF}, policy=POLICY, tried=2),
    Kind.STAGE_STARTED: StageStarted(worker="parse-0:17"),
    Kind.STAGE_RETRYING: StageRetrying(error=ERROR, wait_s=1.5),
    Kind.STAGE_COMPLETED: RESULT,
    Kind.STAGE_FAILED: StageResult(error=ERROR),
    Kind.STAGE_DEFERRED: StageDeferred(error=ERROR, wait_s=120.0, tried=2, worker="parse-0:17"),
    Kind.STAGE_DROPPED: StageDropped(reason="cancelled", worker="parse-0:17"),
    Kind.GATE_WAITING: GATE,
    Kind.GATE_OPENED: GATE,
    Kind.GATE_EXPIRED: GATE,
    Kind.EVENT_IGNORED: Ignored(reason="late", type="t", topic="parse.done.v1", event_id="1"),
    Kind.RECORD_REFUSED: RecordRefused(topic="parse.queue.v1", partition=1, offset=2, dlq="parse.dlq.v1", error=ERROR),
    Kind.RECORD_REDRIVEN: LETTER,
    Kind.RECORD_DISCARDED: LETTER,
    Kind.SCOPE_PAUSED: SCOPE,
    Kind.SCOPE_RESUMED: SCOPE,
    Kind.BREAKER_OPENED: BREAKER,
    Kind.BREAKER_CLOSED: BREAKER,
    Kind.TIMER_DUE: TimerDue(node="pdf"),
    Kind.TOPOLOGY_LOADED: TOPOLOGY,
    Kind.TOPOLOGY_REFUSED: TOPOLOGY,
    Kind.ROLLOUT_REVERTED: RolloutReverted(
        pipeline="trials", reason="r", old=VersionFigures(digest=SHA), new=VersionFigures(digest=SHA, jobs=20, failed=2)
    ),
    Kind.CONTROL_CANCEL: ORDER,
    Kind.CONTROL_PAUSE: SCOPE,
    Kind.CONTROL_RESUME: SCOPE,
    Kind.CONTROL_RERUN: RERUN,
    Kind.CONTROL_REFUSED: ControlRefused(type="t", event_id="1", error=ERROR),
}


def event(kind: Kind, data: Contract | None, **extensions: str | None) -> CloudEvent:
    return make_event(
        kind, id="1", source="/medkg/test", time=NOW, data=data, job_id="j-1", subject="ctgov:NCT05814159",
        extensions=extensions,
    )  # fmt: skip


@pytest.mark.parametrize("kind", Kind)
def test_kind_is_read_from_the_type(kind: Kind) -> None:
    """An event's type says its kind."""
    assert kind == kind_of(event(kind, None))


@pytest.mark.parametrize("type_", ["org.medicalkg.orchestration.job.exploded", "com.example.job.requested", "x"])
def test_other_types_have_no_kind(type_: str) -> None:
    """A type that is none of medkg's has no kind."""
    assert kind_of(CloudEvent(id="1", source="/s", type=type_)) is None


@pytest.mark.parametrize("kind", Kind)
def test_data_survive_the_wire(kind: Kind) -> None:
    """Data of every kind that are sent in a record are read as they were."""
    data = DATA.get(kind)
    sent = event(kind, data)
    received = from_record(to_headers(sent), sent.data)
    model = data_model(kind)

    assert data == (None if model is None else model.validate_json(received.data or b""))


def test_event_without_data_has_no_content_type() -> None:
    """What is not there has no media type."""
    assert event(Kind.CONTROL_RELOAD, None).datacontenttype is None


def test_event_carries_its_job() -> None:
    """The job's id is the partition key; extensions that are None are left out."""
    assert event(Kind.TIMER_DUE, None, stage="pdf", epoch=None).extensions == {
        "partitionkey": "j-1",
        "jobid": "j-1",
        "stage": "pdf",
    }


def test_defaults_do_not_travel() -> None:
    """Only what differs from a default is written."""
    assert dump(REQUEST) == b'{"source":"ctgov","id":"NCT05814159","metadata":{"by":"curation"}}'


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"worker":1}', b'{"worker":"w","more":1}'])
def test_data_that_break_the_contract_are_poison(data: bytes) -> None:
    """Data that are not what the contract says are refused."""
    sent = CloudEvent(id="1", source="/s", type=Kind.STAGE_STARTED.type, data=data)

    with pytest.raises(PoisonRecord, match="break the contract"):
        read_data(sent, StageStarted)


def test_byte_order_mark_before_the_data_is_skipped() -> None:
    """Data in binary mode may begin with a byte order mark, as a structured event may."""
    started = b'\xef\xbb\xbf{"worker":"w"}'
    asked = b"\xef\xbb\xbf" + dump(REQUEST)

    assert REQUEST == read_request(CloudEvent(id="1", source="/s", type=Kind.JOB_REQUESTED.type, data=asked))
    sent = CloudEvent(id="1", source="/s", type=Kind.STAGE_STARTED.type, data=started)
    assert "w" == read_data(sent, StageStarted).worker
    assert {"worker": "w"} == as_json(sent)["data"]


@settings(max_examples=100)
@given(st.binary())
def test_no_request_raises_anything_but_a_refusal(data: bytes) -> None:
    """Whatever a request holds, it is a request, an invalid one or poison."""
    with pytest.raises((PoisonRecord, InvalidRequest)):
        read_request(CloudEvent(id="1", source="/s", type=Kind.JOB_REQUESTED.type, data=data))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", "-1"),
        ("size", "1" + "0" * 400),
        ("value", "1" + "0" * 400),
        ("value", '{"deep": [18446744073709551616]}'),
        ("uri", f'"artifact://[/{SHA}"'),
    ],
)
def test_reference_that_no_store_can_follow_is_poison(field: str, value: str) -> None:
    """A reference with a size that no file has, a number that cannot be written again, or no URI is refused."""
    data = f'{{"artifacts": {{"document": {{"name": "document", "sha256": "{SHA}", "size": 1, "{field}": {value}}}}}}}'
    sent = CloudEvent(id="1", source="/s", type=Kind.STAGE_COMPLETED.type, data=data.encode())

    with pytest.raises(PoisonRecord, match=f"break the contract: artifacts.document.{field}: "):
        read_data(sent, StageResult)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_number_that_json_cannot_hold_is_poison(number: str) -> None:
    """A number that would be written as null, and could then not be read, is refused."""
    sent = CloudEvent(id="1", source="/s", type=Kind.STAGE_COMPLETED.type, data=f'{{"duration_ms": {number}}}'.encode())

    with pytest.raises(PoisonRecord, match="duration_ms: Input should be a finite number"):
        read_data(sent, StageResult)


def test_refusal_of_an_endless_name_is_short() -> None:
    """A field whose name is as long as a record may be is named by its beginning."""
    sent = CloudEvent(id="1", source="/s", type=Kind.STAGE_STARTED.type, data=orjson.dumps({"x" * 1_000_000: 1}))

    with pytest.raises(PoisonRecord) as refused:
        read_data(sent, StageStarted)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("order", "subject"),
    [
        (ScopeOrder(scope="job", name="j-1"), "j-1"),
        (ScopeOrder(scope="stage", name="index"), "stage:index"),
        (ScopeOrder(scope="tenant", name="acme"), "tenant:acme"),
    ],
)
def test_order_says_what_it_is_about(order: ScopeOrder, subject: str) -> None:
    """Orders about one thing have one job id, so that they keep their order."""
    assert subject == order.subject


@pytest.mark.parametrize(("jobs", "failed", "rate"), [(0, 0, 0.0), (20, 2, 0.1)])
def test_error_rate_is_failed_by_ended(jobs: int, failed: int, rate: float) -> None:
    """A version without jobs has no errors."""
    assert rate == VersionFigures(digest=SHA, jobs=jobs, failed=failed).error_rate


def test_request_that_is_no_json_is_poison() -> None:
    """What cannot be parsed cannot be answered to the one who asked."""
    with pytest.raises(PoisonRecord, match="not JSON"):
        read_request(CloudEvent(id="1", source="/s", type=Kind.JOB_REQUESTED.type, data=None))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "source: Field required"),
        ({"source": "ctgov"}, "Value error, give exactly one of id, ids and query, not none"),
        (
            {"source": "ctgov", "id": "NCT1", "ids": ["NCT2"]},
            "Value error, give exactly one of id, ids and query, not id, ids",
        ),
        ({"source": "ctgov", "id": "NCT1", "limit": 5}, "Value error, limit belongs to a query"),
        ({"source": "ctgov", "id": ""}, "id: String should have at least 1 character"),
        ({"source": "ctgov", "id": "NCT1\n"}, "id: String should match pattern '^[^\\x00-\\x1f\\x7f-\\x9f]+$'"),
        ({"source": "ctgov", "ids": []}, "ids: List should have at least 1 item after validation, not 0"),
        ({"source": "ctgov", "ids": ["NCT1", ""]}, "ids.1: String should have at least 1 character"),
        ({"source": "ctgov", "id": "NCT1", "topolgy": "trials"}, "topolgy: Extra inputs are not permitted"),
        ({"source": "CT", "id": "NCT1"}, "source: String should match pattern '^[a-z][a-z0-9_-]{0,62}$'"),
        (
            {"source": "CT", "id": ""},
            "source: String should match pattern '^[a-z][a-z0-9_-]{0,62}$' (and 1 more)",
        ),
        (["NCT1"], "Input should be a valid dictionary or instance of JobRequest"),
    ],
)
def test_refusal_names_the_field(body: object, message: str) -> None:
    """A request that breaks a rule is refused with the first violation, by its field."""
    sent = CloudEvent(id="1", source="/s", type=Kind.JOB_REQUESTED.type, data=orjson.dumps(body))

    with pytest.raises(InvalidRequest) as refused:
        read_request(sent)
    assert message == str(refused.value)


def test_first_violation_of_a_whole_value_has_no_field() -> None:
    """A violation of the value itself is told without a place."""
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(int).validate_python("x")

    assert first_violation(raised.value) == "Input should be a valid integer, unable to parse string as an integer"


@pytest.mark.parametrize(
    ("request_", "batch", "doc_id"),
    [
        (JobRequest(source="ctgov", id="NCT1"), False, "ctgov:NCT1"),
        (JobRequest(source="ctgov", ids=["NCT1"]), True, "ctgov:*"),
        (JobRequest(source="ctgov", query={"query.cond": "asthma"}, limit=5), True, "ctgov:*"),
    ],
)
def test_request_is_an_item_or_a_batch(request_: JobRequest, batch: bool, doc_id: str) -> None:
    """A list or a query is a batch, even of one."""
    assert (batch, doc_id) == (request_.is_batch, request_.doc_id)


WHICH_ITEMS = {"id", "ids", "query", "limit", "batch_id", "payload"}
ASKED: dict[str, Any] = {
    "source": "ctgov",
    "topology": "trials",
    "until": "chunk",
    "skip_completed": True,
    "priority": "high",
    "metadata": {"by": "curation"},
}


@pytest.mark.parametrize("which", [{"ids": ["NCT1", "NCT2"]}, {"query": {"query.cond": "asthma"}, "limit": 5}])
def test_item_is_asked_for_as_its_batch_is(which: dict[str, Any]) -> None:
    """Every field of a batch's request that says no more than which items reaches each item, new fields included."""
    item = JobRequest(**ASKED, **which).item("NCT1", "b-1")

    assert JobRequest(**ASKED, id="NCT1", batch_id="b-1") == item
    assert set(ASKED) | WHICH_ITEMS == set(JobRequest.model_fields)


def test_json_form_is_the_event() -> None:
    """An event in the JSON format has its attributes beside its data."""
    assert as_json(event(Kind.TIMER_DUE, TimerDue(node="pdf"))) == {
        "specversion": "1.0",
        "id": "1",
        "source": "/medkg/test",
        "type": "org.medicalkg.orchestration.timer.due",
        "time": "2025-11-20T09:30:00Z",
        "subject": "ctgov:NCT05814159",
        "datacontenttype": "application/json",
        "partitionkey": "j-1",
        "jobid": "j-1",
        "data": {"node": "pdf"},
    }


json_bytes = st.dictionaries(st.text(max_size=5), st.integers(0, 9) | st.text(max_size=5)).map(orjson.dumps)


@settings(max_examples=100)
@given(
    st.none() | st.binary() | json_bytes,
    st.sampled_from(["application/json", "application/ld+json", "text/plain", "application/octet-stream"]),
)
def test_json_form_is_read_as_the_event(data: bytes | None, content_type: str) -> None:
    """An event of any data is the same event after its JSON form has been read; JSON may be written anew."""
    sent = CloudEvent(id="1", source="/s", type="t", time=NOW, datacontenttype=content_type, data=data)

    read = from_record([("content-type", b"application/cloudevents+json")], orjson.dumps(as_json(sent)))

    assert normal(sent) == normal(read)


def normal(given_: CloudEvent) -> tuple[Any, ...]:
    try:
        data = orjson.loads(given_.data or b"")
    except orjson.JSONDecodeError:
        data = given_.data
    return given_.id, given_.source, given_.type, given_.time, given_.datacontenttype, data
