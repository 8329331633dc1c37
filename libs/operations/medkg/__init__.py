"""medkg for Python programs.

``async with medkg.connect() as kg: job = await kg.submit("ctgov", "NCT05814159"); await job.completed()``

The guide is docs/guides/python-sdk.md.
"""

from medkg_operations.sdk import Batch, BatchCounts, Client, Event, Job, connect

__all__ = ["Batch", "BatchCounts", "Client", "Event", "Job", "connect"]
