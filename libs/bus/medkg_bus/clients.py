"""The one place that configures Kafka clients.

What is set here is not the libraries' default (ADR 0004): idempotent producers that wait for all replicas, no automatic
topics, no automatic commits, only committed records are read, new groups start at the beginning.
"""

import logging
from functools import lru_cache
from typing import Any, Final, Literal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.partitioner import DefaultPartitioner
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from . import lenient

lenient.install()

#: How soon a member notices that the group shares its partitions anew: all others wait for the last that does.
HEARTBEAT_MS: Final = 500

#: So many seconds after the group has begun to share its partitions anew, members that have not joined are out of it.
REBALANCE_S: Final = 60.0

#: Bytes of a partition's records that one fetch brings at most, unless a single record is larger.
FETCH_BYTES: Final = 2 * 1024 * 1024

#: How long one question to Kafka may take outside of a service, in milliseconds.
REQUEST_MS: Final = 15_000

_FASTSTREAM: Final = logging.getLogger("faststream")
_DEFAULT_PARTITIONER: Final = DefaultPartitioner()


def producer_client(bootstrap: str, client_id: str, compression: Literal["zstd"] | None = None) -> AIOKafkaProducer:
    """A producer that loses nothing and keeps the order of a key's records."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_request_size=2 * 1024 * 1024,
        request_timeout_ms=30_000,
        compression_type=compression,
        partitioner=_partition,
    )


def reader_client(
    bootstrap: str, fetch_max_wait_ms: int = 500, retry_backoff_ms: int = 100, *, committed: bool = True
) -> AIOKafkaConsumer:
    """A consumer of no group: it disturbs nobody and commits nothing.

    Args:
        bootstrap: Kafka's address.
        fetch_max_wait_ms: how long Kafka may wait for records before it answers a fetch.
        retry_backoff_ms: how long to wait before a question that failed is asked again.
        committed: read of transactions only what is committed.
    """
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed" if committed else "read_uncommitted",
        request_timeout_ms=REQUEST_MS,
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=fetch_max_wait_ms,
        retry_backoff_ms=retry_backoff_ms,
    )


def admin_client(bootstrap: str) -> AIOKafkaAdminClient:
    """A client that asks and changes what Kafka itself knows: topics, groups, offsets."""
    return AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="medkg-admin", request_timeout_ms=REQUEST_MS)


def group_broker(bootstrap: str, client_id: str, graceful_timeout_s: float) -> KafkaBroker:
    """FastStream's broker for one consumer of a group."""
    return KafkaBroker(
        bootstrap.split(","), client_id=client_id, ack_policy=AckPolicy.MANUAL, allow_auto_create_topics=False,
        logger=_FASTSTREAM, log_level=logging.DEBUG, graceful_timeout=graceful_timeout_s,
    )  # fmt: skip


def group_settings(group: str, poll_interval_s: float) -> dict[str, Any]:
    """How a subscriber of that broker reads as a member of the group.

    Args:
        group: its name.
        poll_interval_s: a consumer that neither polls nor works for so long leaves its group.
    """
    return {
        "group_id": group,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "partition_assignment_strategy": (RangePartitionAssignor,),
        "session_timeout_ms": 8_000,
        "heartbeat_interval_ms": HEARTBEAT_MS,
        "max_poll_interval_ms": round(poll_interval_s * 1000),
        "rebalance_timeout_ms": round(REBALANCE_S * 1000),
        "max_partition_fetch_bytes": FETCH_BYTES,
        "ack_policy": AckPolicy.MANUAL,
    }


def quiet_clients() -> None:
    """Let the clients log nothing: what they say of a broker that is away, our errors say better to a person."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def partition_of(key: bytes, count: int) -> int:
    """Which of so many partitions our own producers, and Java's, choose for a key."""
    return _by_hash(key, count)


def _partition(key: bytes | None, partitions: list[int], available: list[int]) -> int:
    """Java's own partitioner; a job's records all have one key, and hashing it in Python costs more than sending."""
    return _by_hash(key, len(partitions)) if key is not None else _DEFAULT_PARTITIONER(key, partitions, available)


@lru_cache(maxsize=65_536)
def _by_hash(key: bytes, count: int) -> int:
    partitions = list(range(count))
    number: int = _DEFAULT_PARTITIONER(key, partitions, partitions)
    return number
