"""The whole product as the fixture gives it."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from medkg_contracts.data import JobAccepted
from medkg_contracts.errors import ConfigurationError, InvalidRequest
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.records import Record
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


@pytest.mark.parametrize("stopped", ["kill", "stop"])
def test_a_service_that_was_ended_goes_on_when_it_is_started(medkg_stack: MedkgStack, stopped: str) -> None:
    """A job waits at a stage whose service was killed or stopped, and ends when the service is there again."""
    getattr(medkg_stack, stopped)("chunk")
    try:
        job = medkg_stack.submit(TRIAL)
        medkg_stack.wait_for_event("stage.completed", job, stage="validate")
    finally:
        medkg_stack.start()

    assert Kind.JOB_COMPLETED is medkg_stack.wait_for_end(job, timeout=120)


def test_a_suspended_service_goes_on_when_it_is_resumed(medkg_stack: MedkgStack) -> None:
    """A job fails to get past a service that hangs, and ends when the service goes on."""
    medkg_stack.suspend("index")
    try:
        job = medkg_stack.submit(TRIAL)
        medkg_stack.wait_for_event("stage.completed", job, stage="chunk")
        meanwhile = [kind_of(event) for event in medkg_stack.events(job)]
    finally:
        medkg_stack.resume("index")

    assert Kind.JOB_COMPLETED not in meanwhile
    assert Kind.JOB_COMPLETED is medkg_stack.wait_for_end(job, timeout=120)


@pytest.mark.parametrize("act", ["start", "stop", "kill", "suspend", "resume"])
def test_what_is_no_service_is_left_alone(medkg_stack: MedkgStack, act: str) -> None:
    """A name that no service and no server has is refused."""
    with pytest.raises(ConfigurationError, match="called 'chonk'"):
        getattr(medkg_stack, act)("chonk")


def test_a_topology_of_the_tests_own_is_taken(medkg_stack: MedkgStack) -> None:
    """A file that a test puts into the folder of topologies can be asked for as soon as the router has read it."""
    file = medkg_stack.topologies / "pipelines" / "only-ingest.yaml"
    try:
        with medkg_stack.watch() as watch:
            file.write_text('version: "1.0"\nname: only-ingest\nstages:\n  - {name: ingest, type: IngestStage}\n')
            watch.until(lambda events: any(b"only-ingest" in (event.data or b"") for event in events))
        job = medkg_stack.submit({**TRIAL, "topology": "only-ingest"})
        end = medkg_stack.wait_for_end(job)
    finally:
        file.unlink()

    assert Kind.JOB_COMPLETED is end
    assert {"ingest"} == {event.extensions.get("stage", "ingest") for event in medkg_stack.events(job)}


def test_a_record_that_is_no_event_is_refused(medkg_stack: MedkgStack) -> None:
    """A record is put on its topic as it is, and the product tells that it refuses it."""
    name = f"bad-{uuid4().hex[:8]}"
    with medkg_stack.watch() as watch:
        medkg_stack.put([Record("jobs.requests.v1", 0, 0, 0, name.encode(), b"no event", [])])

        assert Kind.RECORD_REFUSED is kind_of(watch.seen(Kind.RECORD_REFUSED))


async def test_the_sdk_is_connected(medkg_stack: MedkgStack) -> None:
    """A connection of the SDK knows the jobs of the product."""
    job = await asyncio.to_thread(medkg_stack.submit, {**TRIAL, "until": "ingest"})
    async with medkg_stack.connect() as kg:
        state = await kg.job(job).completed(timeout=60)

    assert {"ingest"} == state.nodes.keys()


def test_each_request_of_a_list_has_its_id(medkg_stack: MedkgStack) -> None:
    """Ids are given to the requests in their order; fewer ids than requests are refused."""
    names = [f"listed-{number}-{uuid4().hex[:8]}" for number in range(2)]

    assert names == medkg_stack.submit([TRIAL, TRIAL], job=names)
    with pytest.raises(InvalidRequest, match="3 requests have 2 ids"):
        medkg_stack.submit([TRIAL] * 3, job=names)


def test_recorded_trials_may_be_asked_for(medkg_stack: MedkgStack) -> None:
    """What the source is said to have, it has."""
    job = medkg_stack.submit({"source": "ctgov", "id": medkg_stack.recorded()[-1], "until": "ingest"})

    assert Kind.JOB_COMPLETED is medkg_stack.wait_for_end(job)
