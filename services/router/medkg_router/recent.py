"""The jobs that this router has just written, so that their next event needs no loading.

One router replica sees all events of a job, so its own last write is nearly always the job's state. Where it is not,
the compare-and-set fails, the job is forgotten here and loaded anew. What would change nothing, so that nothing is
compared, is decided on a state that was loaded.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from medkg_ledger import Change, Versioned
from medkg_ledger.store import Ledger

#: How many jobs are kept; about 5 KB each.
CAPACITY = 2048


class Recent:
    """The most recently written running jobs."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Versioned] = OrderedDict()

    def known(self, job_ids: Iterable[str]) -> set[str]:
        """Those of these jobs whose state is remembered."""
        return {job_id for job_id in job_ids if job_id in self._jobs}

    async def load(self, ledger: Ledger, job_ids: Sequence[str]) -> dict[str, Versioned]:
        """The states of these jobs, those that are not here from the ledger in one round trip.

        Raises:
            LedgerUnavailable: Redis does not answer.
        """
        known = {job_id: self._jobs[job_id] for job_id in job_ids if job_id in self._jobs}
        missing = [job_id for job_id in job_ids if job_id not in known]
        return known | await ledger.load(missing)

    def keep(self, changes: Iterable[Change]) -> None:
        """Remember what has just been written; a job that has ended is not needed again."""
        for change in changes:
            job_id = change.after.job_id
            self._jobs.pop(job_id, None)
            if not change.after.ended:
                self._jobs[job_id] = Versioned(change.after, change.before.revision + 1)
        while len(self._jobs) > CAPACITY:
            self._jobs.popitem(last=False)

    def forget(self, job_ids: Iterable[str]) -> None:
        """Drop jobs that somebody else has written."""
        for job_id in job_ids:
            self._jobs.pop(job_id, None)
