"""The plans that jobs are pinned to, by digest; and how a new job gets its plan."""

from medkg_artifacts import ArtifactStore
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState
from medkg_ledger.store import Ledger
from medkg_routing import newest_plan
from medkg_routing.plans import store_plan, stored_plan
from medkg_topology.catalog import Catalog
from medkg_topology.plan import Plan

from .rollout import Rollouts


class Pins:
    """Finds plans; keeps every plan that a job was pinned to in the ledger and in the artifact store."""

    def __init__(self, catalog: Catalog, ledger: Ledger, store: ArtifactStore, rollouts: Rollouts) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._store = store
        self._rollouts = rollouts
        self._plans: dict[str, Plan] = {}
        self._refs: dict[str, ArtifactRef] = {}

    async def pin(self, job_id: str, request: JobRequest) -> tuple[Plan, ArtifactRef]:
        """The plan for a new job, kept so that the job can finish on it whatever is edited.

        Raises:
            InvalidRequest: it asks for what the topology does not have.
            TopologyUnknown: no topology has the name or takes the source.
            TopologyInvalid: its file is refused and has no good version.
        """
        newest = newest_plan(request, self._catalog.resolve)
        chosen = self._rollouts.choose(newest, job_id)
        return await self.kept(newest if chosen == newest.digest else await self.plan(chosen))

    async def newest(self, state: JobState) -> tuple[Plan, ArtifactRef]:
        """The newest version of the topology that the job runs on, or of its source's, kept likewise.

        Raises:
            TopologyUnknown: there is no such topology any more.
            TopologyInvalid: its file is refused and has no good version.
        """
        name = state.pipeline_name if state.pipeline_name in self._catalog.plans else None
        return await self.kept(self._catalog.resolve(name, state.doc_id.partition(":")[0]))

    async def plan(self, digest: str) -> Plan:
        """The plan with this digest.

        Raises:
            TopologyUnknown: neither the ledger nor the store has it.
        """
        if digest not in self._plans:
            self._plans[digest] = await self._ledger.plan(digest) or await stored_plan(self._store, digest)
        return self._plans[digest]

    async def kept(self, plan: Plan) -> tuple[Plan, ArtifactRef]:
        """The plan, and where it is kept from now on.

        Raises:
            ArtifactStoreUnavailable: it could not be stored.
            LedgerUnavailable: likewise.
        """
        if plan.digest not in self._refs:
            self._refs[plan.digest] = await store_plan(self._store, plan)
            await self._ledger.save_plan(plan)
            self._plans[plan.digest] = plan
        return plan, self._refs[plan.digest]
