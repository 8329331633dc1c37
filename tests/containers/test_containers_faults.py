"""Containers are restarted and cut off under load: nothing is lost, and nothing takes effect twice."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from medkg_contracts.kinds import Kind, kind_of
from medkg_stack.stack import SERVERS
from medkg_testing import MedkgStack

from tests.shipped import PIPELINE, SERVICES

from .project import Project

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

#: So many jobs are in flight while something happens, at least.
IN_FLIGHT = 30


@pytest.fixture(scope="module")
def project(medkg_stack: MedkgStack) -> Project:
    """The containers of the product."""
    return Project.publishing(int(medkg_stack.kafka.rpartition(":")[2]))


@pytest.fixture(scope="module")
def nct_ids(medkg_stack: MedkgStack) -> list[str]:
    """The ids of all recorded studies."""
    return medkg_stack.recorded()


def under_load(stack: MedkgStack, nct_ids: list[str], act: Callable[[], None]) -> list[str]:
    """Keep jobs in flight while `act` does its work; the ids of all of them, which have ended."""
    jobs: list[str] = []
    waiting: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        acting = pool.submit(act)
        while not acting.done():
            if len(waiting) < IN_FLIGHT:
                numbers = range(len(jobs), len(jobs) + IN_FLIGHT)
                new = stack.submit([{"source": "ctgov", "id": nct_ids[number % len(nct_ids)]} for number in numbers])
                jobs += new
                waiting += new
            stack.wait_for_event("job.completed", waiting.pop(0), timeout=180)
        acting.result()
    for job in waiting:
        stack.wait_for_event("job.completed", job, timeout=180)
    return jobs


def effects(stack: MedkgStack, job: str) -> Counter[str]:
    """How many different events of each end a job has: a repeated event has the same id and takes effect once."""
    seen = {event.id: event for event in stack.events(job)}
    kinds = (Kind.STAGE_COMPLETED, Kind.STAGE_FAILED, Kind.JOB_COMPLETED, Kind.JOB_FAILED)
    return Counter(
        f"{event.extensions.get('stage', 'job')} {kind}" for event in seen.values() if (kind := kind_of(event)) in kinds
    )


ONCE = Counter([*(f"{stage} {Kind.STAGE_COMPLETED}" for stage in PIPELINE), f"job {Kind.JOB_COMPLETED}"])


def test_every_container_may_be_restarted_under_load(
    medkg_stack: MedkgStack, project: Project, nct_ids: list[str]
) -> None:
    """Each container is stopped and started while jobs run: all jobs complete, and each stage takes effect once."""
    services = project.services()

    def restart_all() -> None:
        for service in services:
            project.restart(service)
        for service in services:
            project.healthy(service)

    jobs = under_load(medkg_stack, nct_ids, restart_all)

    assert {*SERVERS, *SERVICES} == set(services)
    assert [ONCE] * len(jobs) == [effects(medkg_stack, job) for job in jobs]


def test_a_stage_that_is_cut_off_from_kafka_goes_on_when_it_is_back(
    medkg_stack: MedkgStack, project: Project, nct_ids: list[str]
) -> None:
    """Nothing passes the stage while it does not reach Kafka; all does when it reaches it again."""
    project.cut("chunk", "events")
    try:
        jobs = medkg_stack.submit([{"source": "ctgov", "id": nct_id} for nct_id in nct_ids[:20]])
        for job in jobs:
            medkg_stack.wait_for_event(Kind.STAGE_COMPLETED, job, timeout=120, stage="validate")
        meanwhile = [event.extensions.get("stage") for job in jobs for event in medkg_stack.events(job)]
    finally:
        project.heal("chunk", "events")
    for job in jobs:
        medkg_stack.wait_for_event("job.completed", job, timeout=120)

    assert "validate" in meanwhile
    assert not {"chunk", "index"} & set(meanwhile)
    assert [ONCE] * len(jobs) == [effects(medkg_stack, job) for job in jobs]
