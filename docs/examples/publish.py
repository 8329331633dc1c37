"""Asks for a job: one CloudEvent on jobs.requests.v1. Needs `cloudevents` and `aiokafka`, and nothing of medkg."""

import asyncio
import sys

from aiokafka import AIOKafkaProducer
from cloudevents.core.bindings.kafka import to_binary_event
from cloudevents.core.v1.event import CloudEvent


async def publish(bootstrap: str, trial: str) -> None:
    attributes = {"type": "org.medicalkg.orchestration.job.requested", "source": "/my/producer", "id": trial}
    attributes |= {"jobid": f"my-{trial}", "partitionkey": f"my-{trial}", "datacontenttype": "application/json"}
    record = to_binary_event(CloudEvent(attributes, {"source": "ctgov", "id": trial}))
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        key = str(record.key).encode()
        await producer.send_and_wait("jobs.requests.v1", record.value, key, headers=list(record.headers.items()))


if __name__ == "__main__":
    asyncio.run(publish("127.0.0.1:9092", sys.argv[1]))
