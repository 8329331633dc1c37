"""Which stage services there are."""

from medkg_operations.stages import services_of
from medkg_topology.plan import Plan, StageNode


def test_a_plans_services_are_known():
    """A drain of everything concerns the services of all plans' stages."""
    node = StageNode(name="first", type="ParseStage", service="parse", outputs=("document",))
    assert {"parse"} == services_of([Plan(name="trials", version="1", nodes=(node,))])
