"""Topics for a test."""

from collections.abc import Sequence

from medkg_bus.admin import Admin
from medkg_contracts.asyncapi import TopicSpec


async def make_topics(bootstrap: str, names: Sequence[str]) -> None:
    """Create these, with four partitions each."""
    async with Admin(bootstrap) as admin:
        await admin.create([TopicSpec(name, 4, 1, {}) for name in names])
