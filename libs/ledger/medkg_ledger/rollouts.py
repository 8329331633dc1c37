"""A new version of a topology beside the stable one, and how the jobs of both went.

Keys: ``stable:<pipeline>`` a digest; ``rollout:<pipeline>`` a `RolloutState`; ``figures:<pipeline>:<digest>`` hash of
the numbers of ``completed`` and ``failed`` jobs; ``durations:<pipeline>:<digest>`` the completed ones' last 1000.
"""

from math import ceil
from typing import cast

from medkg_contracts.data import VersionFigures
from medkg_contracts.model import Contract, Sha256

from .connection import Connection, answering


class RolloutState(Contract):
    """A rollout under way, or one that was reverted.

    Attributes:
        new: digest of the version that some of the new jobs take.
        old: digest of the version that the others take.
        percent: of the new jobs that take the new version, 0..100.
        reverted: why all take the old one again.
    """

    new: Sha256
    old: Sha256
    percent: int
    reverted: str | None = None


class RolloutReader(Connection):
    """The part of the ledger that compares versions of a topology."""

    async def stable(self, pipeline: str) -> str | None:
        """The digest of the last version without a rollout, or None."""
        async with answering():
            digest = cast("bytes | None", await self._redis.get(self._key("stable", pipeline)))
        return None if digest is None else digest.decode()

    async def rollout(self, pipeline: str) -> RolloutState | None:
        """The topology's last rollout, or None."""
        async with answering():
            state = cast("bytes | None", await self._redis.get(self._key("rollout", pipeline)))
        return None if state is None else RolloutState.model_validate_json(state)

    async def figures(self, pipeline: str, digest: str) -> VersionFigures:
        """How the jobs of this version went that were counted; the durations are the last 1000 completed ones'."""
        version = f"{pipeline}:{digest}"
        commands = self._redis.pipeline(transaction=True)
        commands.hmget(self._key("figures", version), ["completed", "failed"])
        commands.lrange(self._key("durations", version), 0, -1)
        async with answering():
            counts, raw = await commands.execute()
        completed, failed = (int(count or 0) for count in counts)
        durations = sorted(int(duration) for duration in raw)
        return VersionFigures(
            digest=digest,
            jobs=completed + failed,
            failed=failed,
            p50_ms=_percentile(durations, 50),
            p95_ms=_percentile(durations, 95),
        )


class Rollouts(RolloutReader):
    """The part of the ledger that remembers versions of a topology. `Change.counts` counts a job."""

    async def set_stable(self, pipeline: str, digest: str) -> None:
        """From now on this version is the stable one."""
        async with answering():
            await self._redis.set(self._key("stable", pipeline), digest)

    async def save_rollout(self, pipeline: str, state: RolloutState) -> None:
        """Keep how the topology's rollout stands."""
        async with answering():
            await self._redis.set(self._key("rollout", pipeline), state.model_dump_json())


def _percentile(ordered: list[int], percent: int) -> float:
    """The least value that so many percent do not exceed; 0 where there is none."""
    return float(ordered[ceil(len(ordered) * percent / 100) - 1]) if ordered else 0.0
