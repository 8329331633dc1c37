"""Opens a job's gate: one record on the gate's topic. Needs `cloudevents` and `aiokafka`, and nothing of medkg."""

import asyncio
import sys
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from cloudevents.core.bindings.kafka import to_binary_event
from cloudevents.core.v1.event import CloudEvent


async def approve(bootstrap: str, topic: str, job: str, person: str) -> None:
    attributes = {"type": "org.example.approved", "source": f"/people/{person}", "id": uuid4().hex}
    attributes |= {"jobid": job, "partitionkey": job}
    record = to_binary_event(CloudEvent(attributes))
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, record.value, job.encode(), headers=list(record.headers.items()))


if __name__ == "__main__":
    asyncio.run(approve("127.0.0.1:9092", sys.argv[1], sys.argv[2], sys.argv[3]))
