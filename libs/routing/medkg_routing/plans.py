"""Plans in the artifact store: the digest of a plan is the digest of its canonical bytes."""

from medkg_artifacts import SYSTEM_TENANT, ArtifactStore
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.errors import ArtifactMissing, TopologyUnknown
from medkg_topology.plan import Plan, load_plan


async def store_plan(store: ArtifactStore, plan: Plan) -> ArtifactRef:
    """Keep the plan, so that a ledger rebuild needs no topology file; its reference."""
    return await store.put(SYSTEM_TENANT, "plan", plan.canonical, inline=False)


async def stored_plan(store: ArtifactStore, digest: str) -> Plan:
    """The plan with this digest.

    Raises:
        TopologyUnknown: the store does not have it.
    """
    ref = ArtifactRef(name="plan", sha256=digest, size=1 << 20, uri=f"artifact://{SYSTEM_TENANT}/{digest}")
    try:
        return load_plan(await store.get(SYSTEM_TENANT, ref))
    except ArtifactMissing as error:
        raise TopologyUnknown(f"the plan {digest} is neither in the ledger nor in the artifact store") from error
