"""Reads all that happens, from the beginning. Needs `cloudevents` and `aiokafka`, and nothing of medkg."""

import asyncio
import json
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from cloudevents.core.v1.event import CloudEvent


async def follow(bootstrap: str) -> AsyncIterator[CloudEvent]:
    topic = "orchestration.events.v1"
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        async for record in consumer:
            message = KafkaMessage(dict(record.headers), None, record.value or b"")
            yield from_kafka_event(message)


async def main() -> None:
    async for event in follow("127.0.0.1:9092"):
        attributes = event.get_attributes()
        kind = event.get_type().removeprefix("org.medicalkg.orchestration.")
        print(attributes["jobid"], kind, attributes.get("stage", ""), json.dumps(event.get_data()))


if __name__ == "__main__":
    asyncio.run(main())
