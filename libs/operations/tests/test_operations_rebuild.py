"""What a rebuild reads of orders."""

from medkg_contracts.orders import ScopeOrder
from medkg_operations.rebuild.rebuild import after_order
from medkg_routing import Origin, ScopeOrdered


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
