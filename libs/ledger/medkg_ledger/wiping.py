"""The ledger, to empty it."""

from .connection import answering, literally
from .store import Ledger


class WipeableLedger(Ledger):
    """The ledger in the hands of a rebuild, which alone may empty it."""

    async def wipe(self) -> int:
        """Delete everything under the ledger's prefix; the number of keys deleted."""
        deleted, cursor = 0, None
        async with answering():
            while cursor != 0:
                cursor, keys = await self._redis.scan(cursor or 0, match=f"{literally(self._prefix)}*", count=1000)
                deleted += await self._redis.unlink(*keys) if keys else 0
        return deleted
