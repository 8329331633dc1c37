"""Which stage services there are."""

from collections.abc import Collection

from medkg_contracts.errors import NotFound
from medkg_contracts.settings import Settings
from medkg_topology.catalog import Catalog
from medkg_topology.plan import Plan, StageNode

from .views import ledger_of


async def known_stages(settings: Settings) -> list[str]:
    """The stage services of the current topologies, of the plans that jobs are pinned to, and all that were ever asked.

    Raises:
        LedgerUnavailable: Redis does not answer.
    """
    async with ledger_of(settings) as ledger:
        pinned = (await ledger.plans()).values()
        asked = await ledger.pending()
    current = Catalog(settings.topologies).plans.values() if settings.topologies.is_dir() else ()
    return sorted({*services_of([*current, *pinned]), *asked})


async def check_stages(settings: Settings, names: Collection[str]) -> None:
    """Refuse names that are no stage service's.

    Raises:
        NotFound: there is one.
    """
    known = await known_stages(settings)
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise NotFound(
            f"there is no stage {', '.join(unknown)}", remedy=f"There are {', '.join(known) or 'none: no topology'}."
        )


def services_of(plans: Collection[Plan]) -> set[str]:
    """The stage services that the plans need."""
    return {node.service for plan in plans for node in plan.nodes if isinstance(node, StageNode)}
