"""The floor: moves a job's records through Kafka and does nothing else.

``python -m tests.benchmarks.relay KAFKA GROUP RULES.json READY`` runs one of its two processes. The client settings
that decide what is safe are medkg's own: all replicas acknowledge, nothing is sent twice, and offsets are committed
once everything that they led to is acknowledged.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvloop
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from medkg_bus.clients import producer_client

from .pattern import Rules, from_json

_MAX_RECORDS: Final = 500


async def relay(bootstrap: str, group: str, rules: Rules, ready: Callable[[], None]) -> None:
    """Relay until SIGTERM; `ready` is called when it can."""
    consumer = AIOKafkaConsumer(
        *rules,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        partition_assignment_strategy=(RangePartitionAssignor,),
        max_partition_fetch_bytes=2 * 1024 * 1024,
    )
    sender = producer_client(bootstrap, group)
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    await consumer.start()
    await sender.start()
    ready()
    try:
        while not over.is_set():
            batches = await consumer.getmany(timeout_ms=500, max_records=_MAX_RECORDS)
            futures = [
                await sender.send(copy.topic, value=copy.value, key=record.key, headers=copy.headers)
                for partition, records in batches.items()
                for record in records
                for copy in rules[partition.topic]
            ]
            if futures:
                await asyncio.gather(*futures)
                await consumer.commit()
    finally:
        await sender.stop()
        await consumer.stop()


if __name__ == "__main__":
    kafka, name, rules_file, ready_file = sys.argv[1:]
    uvloop.run(relay(kafka, name, from_json(json.loads(Path(rules_file).read_text())), Path(ready_file).touch))
