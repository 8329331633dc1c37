"""What a user does with the containers from outside: publish a job request to Kafka, read the events, search."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from medkg_testing import MedkgStack

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

PREFIX = "org.medicalkg.orchestration."


async def test_a_request_from_outside_is_answered_with_events(medkg_stack: MedkgStack) -> None:
    """A CloudEvent that knows nothing of medkg's code goes in; its job's story comes out, and the index has it."""
    job = f"outside-{uuid4().hex[:8]}"
    headers = {
        "ce_specversion": "1.0",
        "ce_id": job,
        "ce_source": "/somebody",
        "ce_type": f"{PREFIX}job.requested",
        "ce_time": datetime.now(UTC).isoformat(),
        "ce_jobid": job,
        "ce_partitionkey": job,
        "ce_tenantid": "outside",
        "content-type": "application/json",
    }
    body = json.dumps({"source": "ctgov", "id": "NCT05814159"}).encode()

    async with AIOKafkaProducer(bootstrap_servers=medkg_stack.kafka) as producer:
        await producer.send_and_wait(
            "jobs.requests.v1",
            body,
            key=job.encode(),
            headers=[(name, text.encode()) for name, text in headers.items()],
        )
    story: list[str] = []
    async with AIOKafkaConsumer(
        "orchestration.events.v1", bootstrap_servers=medkg_stack.kafka, auto_offset_reset="earliest"
    ) as consumer:
        while f"{PREFIX}job.completed" not in story:
            record = await consumer.getone()
            told = {name: text.decode() for name, text in record.headers}
            if told.get("ce_jobid") == job:
                story.append(told["ce_type"])
    async with httpx.AsyncClient(base_url=medkg_stack.opensearch_url, timeout=30) as client:
        found = (await client.get("/medkg-outside-chunks/_count")).json()

    assert f"{PREFIX}job.accepted" == story[0]
    assert f"{PREFIX}job.completed" == story[-1]
    assert 5 == story.count(f"{PREFIX}stage.completed")
    assert 0 < found["count"]
