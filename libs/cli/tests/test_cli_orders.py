"""Orders are answered by events that name them as their cause."""

import pytest
import typer
from medkg_cli.exits import ExitCode
from medkg_cli.history import work_in
from medkg_cli.letters import Work
from medkg_cli.order_command import answer_line, end
from medkg_cli.orders import Answer, answer_in, order_event
from medkg_cli.pausing import scope_order
from medkg_cli.rebuild import after_order
from medkg_cli.stages import services_of
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.data import ControlRefused, Ignored, JobEnded
from medkg_contracts.deadletter import Record
from medkg_contracts.errors import InvalidRequest, OrderRefused
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_contracts.orders import Order, ScopeOrder
from medkg_routing import Origin, ScopeOrdered
from medkg_topology.plan import Plan, StageNode

from .events_of import event
from .letters_of import asked

ORDER = order_event(Kind.CONTROL_CANCEL, "j-1", Order(by="ann"))


def answer(kind: Kind, data: Contract | None = None, cause: str = ORDER.id) -> Answer | None:
    said = event(kind, "j-1", None, data, causationid=cause)
    return answer_in(record_of(said), {ORDER.id: ORDER})


def record_of(said: CloudEvent) -> Record:
    return Record("orchestration.events.v1", 0, 0, 0, b"j-1", said.data, to_headers(said))


def ignored(reason: str) -> Ignored:
    return Ignored.model_validate({"reason": reason, "type": "t", "topic": "jobs.control.v1", "event_id": ORDER.id})


REFUSED = ControlRefused(type="t", event_id=ORDER.id, error=OrderRefused("the ledger knows no job 'j-1'").info)


@pytest.mark.parametrize(
    ("kind", "data", "result", "obeyed"),
    [
        (Kind.JOB_CANCELLED, JobEnded(), "cancelled", True),
        (Kind.CONTROL_REFUSED, REFUSED, "refused", False),
        (Kind.EVENT_IGNORED, ignored("duplicate"), "unchanged", True),
        (Kind.EVENT_IGNORED, ignored("job_ended"), "refused", False),
    ],
)
def test_an_order_is_answered(kind, data, result, obeyed):
    """The router does it, refuses it, or says that it is so already or cannot be any more."""
    given = answer(kind, data)
    assert given is not None
    assert (result, obeyed) == (given.result, given.obeyed)


@pytest.mark.parametrize(
    ("kind", "data", "cause"),
    [
        (Kind.JOB_CANCELLED, JobEnded(), "another"),
        (Kind.STAGE_DROPPED, None, ORDER.id),
        (Kind.EVENT_IGNORED, ignored("foreign"), ORDER.id),
        (Kind.CONTROL_REFUSED, JobEnded(stage="x"), ORDER.id),
    ],
)
def test_other_events_answer_nothing(kind, data, cause):
    """An event with another cause, of another kind, or that cannot be read is no answer."""
    assert answer(kind, data, cause) is None


def test_a_record_that_is_no_event_answers_nothing():
    """Poison on the lifecycle topic is passed over."""
    assert answer_in(Record("orchestration.events.v1", 0, 0, 0, None, b"?", []), {ORDER.id: ORDER}) is None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (Answer(ORDER, None, None, None), ExitCode.FAILED),
        (Answer(ORDER, ORDER, Kind.CONTROL_REFUSED, "no such job"), ExitCode.REFUSED),
    ],
)
def test_an_order_that_is_not_obeyed_fails_the_command(given, code):
    """Without an answer the command ends with 1, with a refusal with 5."""
    with pytest.raises(typer.Exit) as caught:
        end([given], json=False)
    assert code == caught.value.exit_code


def test_an_answer_is_a_line():
    """What became of an order is told with its reason."""
    assert "j-1 cancelled" == answer_line(Answer(ORDER, ORDER, Kind.JOB_CANCELLED, None)).plain
    assert "j-1 refused: no such job" == answer_line(Answer(ORDER, ORDER, Kind.CONTROL_REFUSED, "no such job")).plain
    assert "no router answered" in answer_line(Answer(ORDER, None, None, None)).plain


def test_a_scope_is_exactly_one():
    """A pause is about one job, one stage or one tenant."""
    assert "stage:parse" == scope_order(None, "parse", None, by="ann", reason="").subject
    for scopes in ((None, None, None), ("j-1", "parse", None)):
        with pytest.raises(typer.BadParameter, match="exactly one"):
            scope_order(*scopes, by="ann", reason="")
    with pytest.raises(InvalidRequest, match="name"):
        scope_order("no spaces", None, None, by="ann", reason="")


def test_a_queue_record_names_the_work():
    """A record of a stage's queue says which run of it was asked for; another record says nothing."""
    assert Work("j-1", "parse", 2) == work_in(asked(epoch=2))
    assert work_in(Record("parse.queue.v1", 0, 0, 0, None, b"?", [("ce_jobid", None)])) is None


def ordered(scope: str, *, paused: bool, drain: bool = False) -> ScopeOrdered:
    order = ScopeOrder.model_validate({"scope": scope, "name": "x", "drain": drain})
    return ScopeOrdered(Origin("e", "t", "jobs.control.v1"), order, paused)


def test_pauses_follow_the_last_order():
    """The last order about each scope counts; a stage that is resumed is drained no more either."""
    pauses: set[str] = set()
    for order in (ordered("stage", paused=True), ordered("stage", paused=True, drain=True)):
        pauses = after_order(pauses, order)
    assert {"stage:x", "drain:x"} == pauses
    pauses = after_order(after_order(pauses, ordered("tenant", paused=True)), ordered("stage", paused=False))
    assert {"tenant:x"} == pauses
    assert set() == after_order(pauses, ordered("tenant", paused=False))


def test_a_plans_services_are_known():
    """A drain of everything concerns the services of all plans' stages."""
    node = StageNode(name="first", type="ParseStage", service="parse", outputs=("document",))
    assert {"parse"} == services_of([Plan(name="trials", version="1", nodes=(node,))])
