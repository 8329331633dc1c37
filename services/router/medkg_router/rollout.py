"""A new version of a topology for some of the new jobs, until its figures say that it is worse."""

import hashlib
import logging
from typing import Final

from medkg_bus.producer import EventProducer
from medkg_contracts.data import RolloutReverted, VersionFigures
from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_ledger import RolloutState
from medkg_ledger.store import Ledger
from medkg_topology.catalog import Catalog
from medkg_topology.plan import Plan

from .notices import notice, tell

logger = logging.getLogger(__name__)

#: Nothing is concluded from fewer ended jobs of the new version.
LEAST_JOBS: Final = 20
#: More failed jobs than this share of the ended ones, and more than the old version's, end a rollout.
WORST_ERROR_RATE: Final = 0.05
#: A 95th percentile of more than so many times the old version's ends a rollout.
WORST_SLOWDOWN: Final = 2.0


class Rollouts:
    """Says which version of a topology a new job takes, and takes a bad one back."""

    def __init__(self, catalog: Catalog, ledger: Ledger, producer: EventProducer) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._producer = producer
        self._running: dict[str, RolloutState] = {}

    async def follow(self) -> None:
        """Take note of what the topologies' files say now; a version without a rollout is the stable one.

        Raises:
            LedgerUnavailable: Redis does not answer.
        """
        running: dict[str, RolloutState] = {}
        for name, plan in self._catalog.plans.items():
            percent = self._catalog.rollouts.get(name)
            stable = await self._ledger.stable(name)
            if percent is None or stable in {None, plan.digest}:
                # The first version that there is has nothing to fall back to.
                if stable is None or percent is None:
                    await self._ledger.save_plan(plan)
                    await self._ledger.set_stable(name, plan.digest)
                continue
            running[name] = await self._begun(name, plan, percent, str(stable))
        self._running = running

    async def refresh(self) -> None:
        """Learn what other routers have concluded, and conclude from the figures so far.

        Raises:
            LedgerUnavailable: Redis does not answer.
            KafkaUnavailable: nor does Kafka.
        """
        for name in list(self._running):
            state = await self._ledger.rollout(name) or self._running[name]
            if state.reverted is None:
                state = await self._judge(name, state)
            self._running[name] = state

    def choose(self, plan: Plan, job_id: str) -> str:
        """The digest of the version that this job takes, of the topology whose newest plan this is."""
        state = self._running.get(plan.name)
        if state is None or state.new != plan.digest:
            return plan.digest
        return state.new if state.reverted is None and slot(job_id) < state.percent else state.old

    def counts(self, pipeline: str | None) -> bool:
        """Whether the ends of this topology's jobs are to be counted."""
        return pipeline in self._running

    async def _begun(self, name: str, plan: Plan, percent: int, stable: str) -> RolloutState:
        known = await self._ledger.rollout(name)
        if known is not None and (known.new, known.old) == (plan.digest, stable):
            state = known.model_copy(update={"percent": percent})
        else:
            state = RolloutState(new=plan.digest, old=stable, percent=percent)
        if state != known:
            await self._ledger.save_rollout(name, state)
        return state

    async def _judge(self, name: str, state: RolloutState) -> RolloutState:
        old = await self._ledger.figures(name, state.old)
        new = await self._ledger.figures(name, state.new)
        reason = worse(old, new)
        if reason is None:
            return state
        logger.warning("topology %s: new jobs take version %s again: %s", name, state.old[:12], reason)
        reverted = state.model_copy(update={"reverted": reason})
        await self._ledger.save_rollout(name, reverted)
        data = RolloutReverted(pipeline=name, reason=reason, old=old, new=new)
        identity = digest("reverted", data.model_dump_json())
        await tell(self._producer, notice(Kind.ROLLOUT_REVERTED, data, f"topology:{name}", event_id=identity))
        return reverted


def slot(job_id: str) -> int:
    """Where the job falls among 100 equal parts: always the same one."""
    return int.from_bytes(hashlib.sha256(job_id.encode()).digest()[:8]) % 100


def worse(old: VersionFigures, new: VersionFigures) -> str | None:
    """Why the new version is not to be taken further, with the numbers; None while nothing speaks against it."""
    if new.jobs < LEAST_JOBS:
        return None
    if new.error_rate > WORST_ERROR_RATE and new.error_rate > old.error_rate:
        failed = f"{new.failed} of {new.jobs} jobs failed ({new.error_rate:.1%})"
        return f"{failed}; the old version's rate is {old.error_rate:.1%}"
    if old.jobs >= LEAST_JOBS and new.p95_ms > WORST_SLOWDOWN * old.p95_ms > 0:
        return f"its 95th percentile is {new.p95_ms:.0f} ms; the old version's is {old.p95_ms:.0f} ms"
    return None
