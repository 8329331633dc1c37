"""The ledger, to look at it."""

from typing import cast

from medkg_topology.plan import Plan, load_plan

from .admission import AdmissionReader
from .connection import answering, literally
from .listing import Listing
from .rollouts import RolloutReader


class LedgerReader(Listing, AdmissionReader, RolloutReader):
    """What the ledger knows, for everybody. Every method raises LedgerUnavailable when Redis does not answer."""

    async def outbox(self) -> dict[str, bytes]:
        """What was committed and has not been marked as sent, by entry; the entries of one job are in order."""
        async with answering():
            raw = cast("dict[bytes, bytes]", await self._redis.hgetall(f"{self._prefix}outbox"))
        entries = {name.decode(): records for name, records in raw.items()}
        return dict(sorted(entries.items(), key=lambda entry: _entry_order(entry[0])))

    async def plan(self, digest: str) -> Plan | None:
        """The plan with this digest, or None."""
        async with answering():
            canonical = await self._redis.get(self._key("plan", digest))
        return None if canonical is None else load_plan(cast("bytes", canonical))

    async def plans(self) -> dict[str, Plan]:
        """All plans that jobs are or were pinned to, by digest."""
        start = self._key("plan", "")
        async with answering():
            keys = [cast("bytes", key) async for key in self._redis.scan_iter(match=f"{literally(start)}*")]
        digests = [key.decode()[len(start) :] for key in keys]
        plans = {digest: await self.plan(digest) for digest in digests}
        return {digest: plan for digest, plan in plans.items() if plan is not None}


def _entry_order(entry: str) -> tuple[str, int, str]:
    """A job's entries follow its revisions; a commit's own records stand before those of its asks."""
    job_id, revision, *node = entry.split(" ")
    return job_id, int(revision), "".join(node)
