"""What our pipeline does with a trial, on the real product."""

import asyncio
import json

import httpx
from medkg_testing import MedkgStack

TRIAL = {"source": "ctgov", "id": "NCT05814159"}


def test_a_trial_can_be_found(medkg_stack: MedkgStack) -> None:
    """A trial that went through the pipeline is in the search index."""
    job = medkg_stack.submit(TRIAL, tenant="finders")
    medkg_stack.wait_for_event("job.completed", job)

    chunks = f"{medkg_stack.opensearch_url}/medkg-finders-chunks/_search"
    found = httpx.get(chunks, params={"q": "document_id:*NCT05814159*"}).raise_for_status().json()
    assert found["hits"]["total"]["value"] > 0


def test_stages_run_in_our_order(medkg_stack: MedkgStack) -> None:
    """Each stage of our topology completes once, in its order."""
    job = medkg_stack.submit(TRIAL)
    medkg_stack.wait_for_event("job.completed", job)

    done = [event for event in medkg_stack.events(job) if event.type.endswith(".stage.completed")]
    assert ["ingest", "parse", "chunk", "index"] == [event.extensions["stage"] for event in done]


async def test_a_trial_that_does_not_exist_fails(medkg_stack: MedkgStack) -> None:
    """A job for an unknown trial fails with a reason; a test that is a coroutine lets a thread do the waiting."""
    job = await asyncio.to_thread(medkg_stack.submit, {"source": "ctgov", "id": "NCT00000000"})
    event = await asyncio.to_thread(medkg_stack.wait_for_event, "job.failed", job)

    assert json.loads(event.data or b"")["error"]["code"] == "source_refused"
