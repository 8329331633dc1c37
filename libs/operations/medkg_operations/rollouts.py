"""How new versions of topologies do beside the old ones."""

from medkg_contracts.data import VersionFigures
from medkg_contracts.errors import NotFound
from medkg_contracts.model import Contract
from medkg_contracts.settings import Settings
from medkg_ledger import RolloutState
from medkg_topology.catalog import Catalog

from .views import ledger_of


class RolloutStatus(Contract):
    """How a rollout stands.

    Attributes:
        rollout: which versions, and for how many of the new jobs.
        ended: the new version is everybody's.
        old: how the jobs of the old version went.
        new: how those of the new one went.
    """

    pipeline: str
    rollout: RolloutState
    ended: bool
    old: VersionFigures
    new: VersionFigures


async def rollouts(settings: Settings, pipeline: str | None = None) -> list[RolloutStatus]:
    """The rollouts of all topologies, or of one.

    Raises:
        NotFound: the one has none.
        LedgerUnavailable: the ledger does not answer.
    """
    names = [pipeline] if pipeline is not None else sorted(Catalog(settings.topologies).plans)
    found: list[RolloutStatus] = []
    async with ledger_of(settings) as ledger:
        for name in names:
            state = await ledger.rollout(name)
            if state is not None:
                old, new = [await ledger.figures(name, digest) for digest in (state.old, state.new)]
                ended = await ledger.stable(name) == state.new
                found.append(RolloutStatus(pipeline=name, rollout=state, ended=ended, old=old, new=new))
    if pipeline is not None and not found:
        raise NotFound(
            f"the topology {pipeline!r} has no rollout",
            remedy="`medkg topology list` lists the topologies; `rollout: {percent: 10}` in a file begins one.",
        )
    return found
