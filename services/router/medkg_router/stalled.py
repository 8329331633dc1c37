"""Raises ``job.stalled`` for jobs that have not moved for long, with the reason."""

import logging
from collections import OrderedDict
from time import time
from typing import Final

from medkg_bus.producer import EventProducer
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.explanation import Explanation
from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_explain import Explainer
from medkg_ledger import JobState
from medkg_ledger.store import Ledger

from .notices import notice, tell

logger = logging.getLogger(__name__)

#: At most so many jobs are looked at in one sweep: behind a stopped service all have one reason.
JOBS_A_SWEEP: Final = 20

#: Of so many jobs it is known what was told of them last.
JOBS_KNOWN: Final = 10_000

#: What somebody wants to be so, or what passes by itself: waiting for one of these is not being stalled.
WANTED: Final = frozenset(
    {"gate_closed", "timer_not_due", "job_paused", "tenant_paused", "stage_paused", "waiting_for_credit"}
)


class StalledJobs:
    """Finds stalled jobs; each replica tells of a job once for each reason, several with the same event."""

    def __init__(self, ledger: Ledger, producer: EventProducer, explainer: Explainer, stalled_s: float) -> None:
        self._ledger = ledger
        self._producer = producer
        self._explainer = explainer
        self._stalled_s = stalled_s
        self._told: OrderedDict[str, str] = OrderedDict()

    async def sweep(self) -> None:
        """Look at the jobs that have waited longest.

        Raises:
            LedgerUnavailable: Redis does not answer.
            KafkaUnavailable: nor does Kafka.
        """
        now = round(time() * 1000)
        found = await self._ledger.stalled(now - round(self._stalled_s * 1000), JOBS_A_SWEEP)
        for job_id in found:
            explanation = await self._explainer.explain(job_id)
            if explanation.status == "running" and explanation.cause not in WANTED:
                await self._raise(explanation)
        # Looked at again only after as long a time: a job that is stalled for another reason then is told of again.
        await self._ledger.touch(found, now)

    async def _raise(self, explanation: Explanation) -> None:
        state = await self._ledger.get(explanation.job_id)
        if state is None:
            return
        event = stalled_event(explanation, state)
        if self._told.get(state.job_id) == event.id:
            return
        logger.warning("stalled: %s", explanation.text())
        await tell(self._producer, event)
        self._told.pop(state.job_id, None)
        self._told[state.job_id] = event.id
        if len(self._told) > JOBS_KNOWN:
            self._told.popitem(last=False)


def stalled_event(explanation: Explanation, state: JobState) -> CloudEvent:
    """``job.stalled`` with this explanation: another one is another event, the same one again is the same."""
    return notice(
        Kind.JOB_STALLED,
        explanation,
        state.job_id,
        event_id=digest("stalled", state.sequence, explanation.model_dump_json()),
        tenantid=state.tenant_id,
        correlationid=state.correlation_id,
    )
