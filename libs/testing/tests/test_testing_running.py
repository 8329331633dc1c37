"""The whole product as the fixture gives it."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from medkg_contracts.data import JobAccepted
from medkg_contracts.errors import ConfigurationError, InvalidRequest
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.requests import JobRequest
from medkg_testing import MedkgStack, NotAsExpected

pytestmark = [pytest.mark.integration, pytest.mark.everywhere, pytest.mark.timeout(600)]

TRIAL = {"source": "ctgov", "id": "NCT05814159"}
UNKNOWN = {"source": "ctgov", "id": "NCT00000000"}


@pytest.fixture
def two_chunkers(medkg_stack: MedkgStack) -> Iterator[MedkgStack]:
    """The product with two consumers of the stage chunk, and with one again behind the test."""
    medkg_stack.scale("chunk", 2)
    yield medkg_stack
    medkg_stack.scale("chunk", 1)


def test_all_events_of_a_job_are_there_in_order(medkg_stack: MedkgStack) -> None:
    """A completed job's events begin with its acceptance and end with its completion, each stage started, then done."""
    job = medkg_stack.submit(TRIAL)

    completed = medkg_stack.wait_for_event(Kind.JOB_COMPLETED, job)

    events = medkg_stack.events(job)
    of_parse = [kind_of(event) for event in events if event.extensions.get("stage") == "parse"]
    assert (Kind.JOB_ACCEPTED, completed) == (kind_of(events[0]), events[-1])
    assert [Kind.STAGE_STARTED, Kind.STAGE_COMPLETED] == of_parse


def test_a_list_of_requests_is_a_list_of_jobs(medkg_stack: MedkgStack) -> None:
    """Each request of a list is a job of its own, for the tenant that was named."""
    jobs = medkg_stack.submit([TRIAL, JobRequest(**TRIAL)], tenant="two-at-once")

    accepted = [medkg_stack.wait_for_event("job.accepted", job) for job in jobs]
    assert (2, ["two-at-once"] * 2) == (len(set(jobs)), [event.extensions["tenantid"] for event in accepted])


def test_a_job_can_be_named(medkg_stack: MedkgStack) -> None:
    """A job has the id that was given, and the request that was sent."""
    name = f"named-{uuid4().hex[:8]}"

    assert name == medkg_stack.submit({**TRIAL, "metadata": {"asked": "by a test"}}, job=name)

    accepted = read_data(medkg_stack.wait_for_event("job.accepted", name), JobAccepted)
    assert JobRequest(**TRIAL, metadata={"asked": "by a test"}) == accepted.request


def test_a_failed_job_ends_the_wait_for_its_completion(medkg_stack: MedkgStack) -> None:
    """Whoever waits for the completion of a job that fails is told its error, long before the time is over."""
    job = medkg_stack.submit(UNKNOWN)

    with pytest.raises(NotAsExpected, match=r"job\.failed.*source_refused"):
        medkg_stack.wait_for_event("job.completed", job, timeout=3600)


def test_a_wrong_request_is_not_published(medkg_stack: MedkgStack) -> None:
    """A request that breaks a rule is refused with the field's name, and no other of its list is published."""
    with pytest.raises(InvalidRequest, match="give exactly one of id, ids and query"):
        medkg_stack.submit([TRIAL, {"source": "ctgov"}], tenant="nobody")


def test_a_misspelt_kind_is_refused(medkg_stack: MedkgStack) -> None:
    """A kind of event that does not exist is refused at once, and the remedy lists those that do."""
    with pytest.raises(InvalidRequest, match=r"no event is called 'job\.complete'") as refused:
        medkg_stack.wait_for_event("job.complete", "j-1")

    assert "job.completed" in refused.value.info.remedy


async def test_a_coroutine_can_use_the_stack(medkg_stack: MedkgStack) -> None:
    """In a test that is a coroutine, threads do the waiting."""
    job = await asyncio.to_thread(medkg_stack.submit, TRIAL)

    event = await asyncio.to_thread(medkg_stack.wait_for_event, "job.completed", job)

    assert job == event.extensions["jobid"]


def test_a_scaled_stage_works(two_chunkers: MedkgStack) -> None:
    """With two consumers of a stage, jobs go through it."""
    jobs = two_chunkers.submit([TRIAL] * 8)

    assert 8 == len([two_chunkers.wait_for_event("job.completed", job) for job in jobs])


def test_an_unknown_service_is_not_scaled(medkg_stack: MedkgStack) -> None:
    """A service that does not exist cannot be scaled."""
    with pytest.raises(ConfigurationError, match="No service is called 'chonk'"):
        medkg_stack.scale("chonk", 2)
