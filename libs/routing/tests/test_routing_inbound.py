"""Reading events: what each means, and that whatever cannot be read is refused by name."""

from collections.abc import Callable, Mapping

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from medkg_contracts import topics
from medkg_contracts.cloudevents import JSON, CloudEvent
from medkg_contracts.data import StageDeferred, StageResult
from medkg_contracts.errors import InvalidRequest, MedkgError, PoisonRecord
from medkg_contracts.ids import job_id as derived_job_id
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order, RerunOrder, ScopeOrder
from medkg_contracts.requests import JobRequest
from medkg_routing import (
    Cancel,
    Deferred,
    Inbound,
    JobEvent,
    NodeEnded,
    Origin,
    Pause,
    Reload,
    Requested,
    Rerun,
    Resume,
    ScopeOrdered,
    TimerFired,
    about,
    broken,
    read,
)

from .telling import FAILURE, TRACE, refs

ITEM = {"source": "ctgov", "id": "NCT05814159"}
RESULT = StageResult(artifacts=refs("document")).model_dump(mode="json")
FAILED = StageResult(error=FAILURE).model_dump(mode="json")
DEFERRAL = StageDeferred(error=FAILURE, wait_s=30, tried=2).model_dump(mode="json")
RUN = {"jobid": "j-1", "stage": "parse", "epoch": "1"}
DONE = topics.done("parse")


def event(
    kind: Kind | str, data: object = None, *, extensions: Mapping[str, str] = {"jobid": "j-1"}, raw: bytes | None = None
) -> CloudEvent:
    return CloudEvent(
        id="e-1",
        source="/someone",
        type=kind.type if isinstance(kind, Kind) else kind,
        datacontenttype=JSON,
        extensions=extensions,
        data=raw if raw is not None else orjson.dumps(data),
    )


def origin(kind: Kind, topic: str, tenant: str | None = None, traceparent: str | None = None) -> Origin:
    """Where `event` comes from."""
    return Origin("e-1", kind.type, topic, traceparent, "/someone", tenant)


def test_request_is_read() -> None:
    """A request's attributes and data become a `Requested`."""
    extensions = {"jobid": "j-1", "tenantid": "acme", "correlationid": "c-1", "traceparent": TRACE}
    data = {**ITEM, "until": "chunk", "skip_completed": True, "batch_id": "b-1"}

    assert Requested(
        origin=origin(Kind.JOB_REQUESTED, topics.REQUESTS, "acme", TRACE),
        job_id="j-1",
        tenant_id="acme",
        correlation_id="c-1",
        request=JobRequest.model_validate(data),
        doc_id="ctgov:NCT05814159",
        is_batch=False,
        until="chunk",
        skip_completed=True,
        batch_id="b-1",
    ) == read(topics.REQUESTS, event(Kind.JOB_REQUESTED, data, extensions=extensions))


def test_request_without_attributes_gets_defaults() -> None:
    """Without ids, the job's id is derived from the event and the tenant is the public one."""
    inbound = read(topics.REQUESTS, event(Kind.JOB_REQUESTED, ITEM, extensions={}))
    job_id = derived_job_id("/someone", "e-1")

    assert isinstance(inbound, Requested)
    assert (job_id, "public", job_id) == (inbound.job_id, inbound.tenant_id, inbound.correlation_id)


def test_batch_item_is_correlated_by_its_batch() -> None:
    """Jobs of one batch share the batch's id as correlation id."""
    inbound = read(topics.REQUESTS, event(Kind.JOB_REQUESTED, {**ITEM, "batch_id": "b-1"}, extensions={}))

    assert isinstance(inbound, Requested)
    assert "b-1" == inbound.correlation_id


def test_batch_does_not_stop_early() -> None:
    """A batch's `until` is for the jobs that it expands to."""
    inbound = read(topics.REQUESTS, event(Kind.JOB_REQUESTED, {"source": "ctgov", "ids": ["a"], "until": "chunk"}))

    assert isinstance(inbound, Requested)
    assert (True, None, "ctgov:*") == (inbound.is_batch, inbound.until, inbound.doc_id)


def test_stage_result_is_read() -> None:
    """A stage's result names job, node, epoch and tenant."""
    extensions = {"jobid": "j-1", "stage": "parse", "epoch": "3", "tenantid": "acme"}

    assert NodeEnded(
        origin=origin(Kind.STAGE_COMPLETED, DONE, "acme"),
        job_id="j-1",
        stage="parse",
        epoch=3,
        tenant_id="acme",
        result=StageResult(artifacts=refs("document")),
    ) == read(DONE, event(Kind.STAGE_COMPLETED, RESULT, extensions=extensions))


def test_outside_system_may_use_its_own_type() -> None:
    """That an outside system spoke is all that an event of its own type says, whatever its data are."""
    inbound = read("mineru.done.v1", event("net.mineru.finished", raw=b"\xff not JSON"))

    assert isinstance(inbound, NodeEnded)
    assert (None, None, None, StageResult()) == (inbound.stage, inbound.epoch, inbound.tenant_id, inbound.result)


def test_timer_is_read() -> None:
    """A timer's event names job and node."""
    due = event(Kind.TIMER_DUE, {"node": "mineru"})

    assert TimerFired(origin(Kind.TIMER_DUE, topics.CONTROL), "j-1", "mineru") == read(topics.CONTROL, due)


def test_reload_is_read() -> None:
    """An operator's reload needs neither job nor data."""
    reload = event(Kind.CONTROL_RELOAD, raw=b"", extensions={})

    assert Reload(origin(Kind.CONTROL_RELOAD, topics.CONTROL)) == read(topics.CONTROL, reload)


ORDER = {"by": "ann", "reason": "a typing error"}
JOB_SCOPE = {**ORDER, "scope": "job", "name": "j-1"}


@pytest.mark.parametrize("tenant", [None, "acme"])
@pytest.mark.parametrize(
    ("kind", "data", "inbound", "order"),
    [
        (Kind.CONTROL_CANCEL, ORDER, Cancel, Order.model_validate(ORDER)),
        (Kind.CONTROL_PAUSE, JOB_SCOPE, Pause, ScopeOrder.model_validate(JOB_SCOPE)),
        (Kind.CONTROL_RESUME, JOB_SCOPE, Resume, ScopeOrder.model_validate(JOB_SCOPE)),
        (Kind.CONTROL_RERUN, {"stage": "parse"}, Rerun, RerunOrder(stage="parse")),
    ],
)
def test_order_about_a_job_is_read(
    kind: Kind, data: object, inbound: Callable[..., Inbound], order: Order, tenant: str | None
) -> None:
    """An order names its job; one without a tenant is an operator's of all tenants."""
    extensions = {"jobid": "j-1"} if tenant is None else {"jobid": "j-1", "tenantid": tenant}
    sent = origin(kind, topics.CONTROL, tenant)

    assert inbound(sent, "j-1", tenant, order) == read(topics.CONTROL, event(kind, data, extensions=extensions))


@pytest.mark.parametrize(("kind", "paused"), [(Kind.CONTROL_PAUSE, True), (Kind.CONTROL_RESUME, False)])
def test_order_about_a_stage_is_read(kind: Kind, paused: bool) -> None:
    """A pause of a stage is about no job."""
    data = {"scope": "stage", "name": "parse", "drain": True}

    assert ScopeOrdered(origin(kind, topics.CONTROL), ScopeOrder.model_validate(data), paused) == read(
        topics.CONTROL, event(kind, data, extensions={"jobid": "stage:parse"})
    )


def test_deferral_is_read() -> None:
    """A stage that puts its next try off names job, node and epoch like one that ends."""
    extensions = {"jobid": "j-1", "stage": "parse", "epoch": "3", "tenantid": "acme"}
    deferral = StageDeferred(error=FAILURE, wait_s=30, tried=2)

    assert Deferred(origin(Kind.STAGE_DEFERRED, DONE, "acme"), "j-1", "parse", 3, "acme", deferral) == read(
        DONE, event(Kind.STAGE_DEFERRED, DEFERRAL, extensions=extensions)
    )


def test_priority_is_read() -> None:
    """A request's priority is the job's."""
    inbound = read(topics.REQUESTS, event(Kind.JOB_REQUESTED, {**ITEM, "priority": "low"}))

    assert isinstance(inbound, Requested)
    assert "low" == inbound.priority


def test_poison_among_the_requests_is_nobodys() -> None:
    """A record that is no job request at all concerns no job."""
    assert broken(topics.REQUESTS, event(Kind.STAGE_STARTED, {}), PoisonRecord("no")) is None


@pytest.mark.parametrize("kind", [Kind.STAGE_COMPLETED, Kind.STAGE_FAILED, Kind.STAGE_DEFERRED])
def test_broken_answer_is_a_failure(kind: Kind) -> None:
    """A stage whose answer cannot be read has failed for that reason: the job does not wait for it for ever."""
    error = PoisonRecord("the data are not JSON")
    sent = event(kind, raw=b"{", extensions={"jobid": "j-1", "stage": "parse", "epoch": "3", "tenantid": "acme"})
    told = origin(kind, DONE, "acme")

    assert NodeEnded(told, "j-1", "parse", 3, "acme", StageResult(error=error.info)) == broken(DONE, sent, error)


@pytest.mark.parametrize(
    ("topic", "kind", "extensions"),
    [
        (topics.CONTROL, Kind.CONTROL_CANCEL, {"jobid": "j-1", "stage": "parse", "epoch": "1"}),
        (DONE, Kind.STAGE_STARTED, {"jobid": "j-1", "stage": "parse", "epoch": "1"}),
        (DONE, Kind.STAGE_COMPLETED, {"stage": "parse", "epoch": "1"}),
        (DONE, Kind.STAGE_COMPLETED, {"jobid": "j-1", "stage": "parse", "epoch": "x"}),
        (DONE, Kind.STAGE_COMPLETED, {"jobid": "j-1", "epoch": "1"}),
        (DONE, Kind.STAGE_COMPLETED, {"jobid": "j-1", "stage": "parse"}),
    ],
    ids=["an order", "no answer", "nobody's", "no epoch that can be read", "no stage", "no epoch"],
)
def test_what_nobody_waits_for_is_only_broken(topic: str, kind: Kind, extensions: dict[str, str]) -> None:
    """A broken event that answers no stage's request concerns no job."""
    assert broken(topic, event(kind, raw=b"{", extensions=extensions), PoisonRecord("no")) is None


def test_what_is_no_order_is_poison() -> None:
    """Nobody but the router reads the control topic: what it does not know there is nobody's, and must not vanish."""
    with pytest.raises(PoisonRecord, match="is no order"):
        read(topics.CONTROL, event("org.medicalkg.orchestration.job.cancel"))


@pytest.mark.parametrize(
    ("topic", "sent", "message"),
    [
        (topics.REQUESTS, event(Kind.STAGE_COMPLETED, RESULT), "carries org.medicalkg.orchestration.job.requested"),
        (topics.REQUESTS, event(Kind.JOB_REQUESTED, raw=b"{"), "not JSON"),
        (topics.REQUESTS, event(Kind.JOB_REQUESTED, raw=b""), "not JSON"),
        (topics.CONTROL, event(Kind.TIMER_DUE, {"node": "no such name!"}), "node"),
        (topics.CONTROL, event(Kind.TIMER_DUE, {"node": "mineru"}, extensions={}), "'jobid' is missing"),
        (DONE, event(Kind.STAGE_COMPLETED, RESULT, extensions={}), "'jobid' is missing"),
        (DONE, event(Kind.STAGE_COMPLETED, RESULT, extensions={"jobid": "a b"}), "'a b', which is no job id"),
        (DONE, event(Kind.STAGE_COMPLETED, RESULT, extensions={"jobid": "j-1", "epoch": "-1"}), "'epoch' is '-1'"),
        (DONE, event(Kind.STAGE_COMPLETED, RESULT, extensions={"jobid": "j-1", "epoch": "²"}), "not a whole number"),
        (DONE, event(Kind.STAGE_COMPLETED, RESULT, extensions={"jobid": "j-1", "epoch": ""}), "not a whole number"),
        (DONE, event(Kind.STAGE_COMPLETED, {"artefacts": {}}), "artefacts"),
        (DONE, event(Kind.STAGE_COMPLETED, FAILED), "carries an error"),
        (DONE, event(Kind.STAGE_FAILED, RESULT), "carries no error"),
        (DONE, event(Kind.JOB_COMPLETED, {}), "does not end anything"),
        (DONE, event(Kind.STAGE_DEFERRED, DEFERRAL), "needs the attributes 'stage' and 'epoch'"),
        (DONE, event(Kind.STAGE_DEFERRED, {**DEFERRAL, "wait_s": -1}, extensions=RUN), "wait_s"),
        (topics.CONTROL, event(Kind.CONTROL_CANCEL, raw=b""), "break the contract"),
        (topics.CONTROL, event(Kind.CONTROL_CANCEL, {}, extensions={}), "'jobid' is missing"),
        (topics.CONTROL, event(Kind.CONTROL_CANCEL, {}, extensions={"jobid": "j-1", "tenantid": "A"}), "'A'"),
        (topics.CONTROL, event(Kind.CONTROL_RERUN, {"stage": "no such name!"}), "stage"),
        (topics.CONTROL, event(Kind.CONTROL_PAUSE, {"scope": "world", "name": "j-1"}), "scope"),
        (topics.CONTROL, event(Kind.CONTROL_PAUSE, {"scope": "job", "name": "j-2"}), "the data are about 'j-2'"),
        (topics.CONTROL, event(Kind.CONTROL_RESUME, {"scope": "tenant", "name": "j-1"}), "about 'tenant:j-1'"),
        (DONE, event("org.medicalkg.orchestration.stage.fialed", FAILED), "does not end anything"),
    ],
)
def test_poison(topic: str, sent: CloudEvent, message: str) -> None:
    """A record that is not what its topic carries is poison, and the message says why."""
    with pytest.raises(PoisonRecord, match=message):
        read(topic, sent)


@pytest.mark.parametrize(
    ("data", "extensions", "message"),
    [
        ([], {}, "valid dictionary"),
        ({"source": "ctgov"}, {}, "exactly one of id, ids and query"),
        ({**ITEM, "limit": 3}, {}, "limit belongs to a query"),
        ({**ITEM, "surprise": 1}, {}, "surprise"),
        (ITEM, {"jobid": "a b"}, "jobid: 'a b'"),
        (ITEM, {"jobid": ""}, "jobid: ''"),
        (ITEM, {"tenantid": "ACME"}, "tenantid: 'ACME'"),
        (ITEM, {"tenantid": "system"}, "tenantid: 'system' is medkg's own"),
    ],
)
def test_invalid_request(data: object, extensions: dict[str, str], message: str) -> None:
    """A request that breaks the contract is invalid, and the message names the field."""
    with pytest.raises(InvalidRequest, match=message):
        read(topics.REQUESTS, event(Kind.JOB_REQUESTED, data, extensions=extensions))


def test_broken_request_keeps_what_can_be_told() -> None:
    """Of a request that breaks the contract, its ids are kept where they are valid."""
    sent = event(Kind.JOB_REQUESTED, {}, extensions={"jobid": "j-9", "tenantid": "acme"})
    told = broken(topics.REQUESTS, sent, InvalidRequest("no"))

    assert isinstance(told, Requested)
    assert ("j-9", "acme", "j-9", None) == (told.job_id, told.tenant_id, told.correlation_id, told.request)


@pytest.mark.parametrize("tenant", ["ACME", "system"])
def test_broken_request_gets_ids_of_its_own(tenant: str) -> None:
    """Where its ids are not valid either, they are derived."""
    sent = event(Kind.JOB_REQUESTED, {}, extensions={"jobid": "a b", "tenantid": tenant})
    told = broken(topics.REQUESTS, sent, InvalidRequest("no"))

    assert isinstance(told, Requested)
    assert (derived_job_id("/someone", "e-1"), "public") == (told.job_id, told.tenant_id)


KNOWN_TOPICS = [topics.REQUESTS, topics.CONTROL, DONE, "mineru.done.v1"]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    "scope",
    "name",
    "stage",
    "by",
    "wait_s",
    "tried",
    "source",
    "id",
    "ids",
    "query",
    "limit",
    "until",
    "metadata",
    "artifacts",
    "error",
    "retries",
    "node",
]
NEARLY = st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES | st.just("ctgov"), max_size=4)
DATA = (
    st.none()
    | st.binary(max_size=20)
    | (JSON_VALUES | NEARLY).map(
        lambda value: orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATETIME) if _fits(value) else b"1e999"
    )
)
VALUES = st.text(max_size=12) | st.sampled_from(["j-1", "public", "1", "٣", "0" * 30])


def _fits(value: object) -> bool:
    """Whether orjson can write the value: it has no integers beyond 64 bits."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(
    topic=st.sampled_from(KNOWN_TOPICS) | st.text(max_size=8),
    kind=st.sampled_from([kind.type for kind in Kind]) | st.text(min_size=1, max_size=8),
    data=DATA,
    extensions=st.dictionaries(st.sampled_from(["jobid", "tenantid", "epoch", "stage", "traceparent"]), VALUES),
)
@example(topics.REQUESTS, Kind.JOB_REQUESTED.type, b"[" * 100_000, {})
@example(topics.REQUESTS, Kind.JOB_REQUESTED.type, b'{"source":"ctgov","id":"\\ud800"}', {})
@example(DONE, Kind.STAGE_COMPLETED.type, b'{"retries":' + b"9" * 400 + b"}", {"jobid": "j-1"})
def test_reading_raises_nothing_else(topic: str, kind: str, data: bytes | None, extensions: dict[str, str]) -> None:
    """Whatever an event holds, it is read, poison, or an invalid request whose job can still be named."""
    sent = CloudEvent(id="e-1", source="/someone", type=kind, extensions=extensions, data=data)
    heard: Inbound | None = None
    error: MedkgError | None = None
    try:
        heard = read(topic, sent)
    except (PoisonRecord, InvalidRequest) as refusal:
        error = refusal
        heard = broken(topic, sent, error)

    assert not isinstance(heard, JobEvent) or about(topic, sent) == heard.job_id
    assert not isinstance(heard, ScopeOrdered) or about(topic, sent) == heard.order.subject
    assert not isinstance(error, InvalidRequest) or isinstance(broken(topic, sent, error), Requested)
    assert not isinstance(error, PoisonRecord) or not isinstance(broken(topic, sent, error), Requested)
