"""Jobs in a real ledger and on real topics, without any service that works on them."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from medkg_contracts import topics
from medkg_contracts.settings import Settings
from medkg_ledger.store import Ledger
from redis.asyncio import Redis

from .scene import GATE_TOPIC, Scene, create_topics


@pytest.fixture
async def settings(kafka_bootstrap: str, redis_url: str) -> AsyncIterator[Settings]:
    """The servers, with a Redis database that no other test has."""
    settings = Settings(kafka=kafka_bootstrap, redis_url=f"{redis_url.rpartition('/')[0]}/7")
    yield settings
    redis = Redis.from_url(settings.redis_url)
    await redis.flushdb()
    await redis.aclose()


@pytest.fixture
async def scene(settings: Settings) -> AsyncIterator[Scene]:
    """An empty ledger, and a stage service with a name of its own that does not run."""
    service = f"svc-{uuid4().hex[:8]}"
    own = [name(service) for name in (topics.queue, topics.done, topics.dlq)]
    await create_topics(settings.kafka, [topics.EVENTS, topics.REQUESTS, topics.ROUTER_DLQ, GATE_TOPIC, *own])
    ledger = Ledger.from_url(settings.redis_url)
    async with Scene(settings, ledger, service) as scene:
        yield scene
    await ledger.close()
