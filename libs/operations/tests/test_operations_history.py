"""What a rebuild reads of orders and of queues."""

from medkg_contracts.orders import ScopeOrder
from medkg_contracts.records import Record
from medkg_operations.deadletters.entries import Work
from medkg_operations.rebuild.history import work_in
from medkg_operations.rebuild.rebuild import after_order
from medkg_routing import Origin, ScopeOrdered

from .letters_of import asked


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
