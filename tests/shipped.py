"""What medkg comes with, as its packages and its topologies say."""

from pathlib import Path
from typing import Final

from medkg_contracts.services import ServiceKind, installed, load
from medkg_stagekit import StageService
from medkg_topology.catalog import Catalog
from medkg_topology.plan import StageNode

REPOSITORY: Final = Path(__file__).parents[1]

#: All services, and those that run stages.
SERVICES: Final = tuple(installed())
STAGE_SERVICES: Final = tuple(name for name, entry in installed().items() if ServiceKind.STAGE is load(entry).kind)

#: The stages of the topology that trials take, in its order.
PIPELINE: Final = tuple(
    node.name for node in Catalog(REPOSITORY / "topologies").resolve(None, "ctgov").nodes if isinstance(node, StageNode)
)


def stages_of(service: str) -> tuple[str, ...]:
    """The stages that a service runs."""
    declared = load(installed()[service])
    return tuple(stage.name for stage in declared.stages) if isinstance(declared, StageService) else ()
