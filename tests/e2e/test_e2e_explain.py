"""A fault is injected into the running product, and explain names it; once it is mended the job goes on."""

import os
import subprocess
import sys
from uuid import uuid4

import pytest
from medkg_contracts import topics
from medkg_contracts.deadletter import original_headers
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order, RerunOrder, ScopeOrder
from medkg_contracts.records import Place, Record
from medkg_servicekit import accelerator
from medkg_testing import LocalStack

from tests.studies import studies

from .inject import (
    approve,
    explained,
    explanation,
    explanations,
    in_one_partition,
    ingesting,
    letters,
    order,
    paused,
    skip,
)

pytestmark = pytest.mark.integration

REVIEWED = "clinical-trials-reviewed"
#: Fails at once and for good while the source is away, and is then left alone for a while.
FRAGILE = "{timeout: 5s, attempts: 1, backoff: none, breaker: {failures: 1, reset: 8s}}"
#: The second try is too far away to be waited for in place.
PATIENT = "{timeout: 5s, attempts: 3, backoff: linear, initial: 45s, max: 45s, jitter: 0s}"
#: The next only when the one before has ended.
ONE_BY_ONE = "{timeout: 60s, attempts: 3, backoff: linear, initial: 1s, max: 1s, concurrency: 1}"
#: One every four seconds.
SLOW = "{timeout: 5s, attempts: 1, backoff: none, rate: 15/m}"

#: A topology that cannot be.
BROKEN = 'version: "1.0"\nname: broken\nstages:\n  - name: parse\n    type: ParseStage\n    depends_on: [nothing]\n'

#: The service chunk, as if its stage were made for a GPU.
ACCELERATED = (
    "from dataclasses import replace; from medkg_chunk.app import service; replace(service, accelerated=True).run()"
)


def test_a_dead_consumer(product: LocalStack, nct_ids: list[str]) -> None:
    """A job that waits for a stopped service is explained by it; once the service runs the job goes on."""
    product.stop("chunk")
    job = product.submit(*studies(nct_ids[:1]))
    product.wait_for_event(Kind.STAGE_COMPLETED, job, stage="validate")
    found = explained(product, job, "dead_consumer")
    product.start()
    end = product.wait_for_end(job)

    assert "chunk" == found.stage
    assert (found.record or "").startswith("chunk.queue.v1/")
    assert "medkg restart chunk" in found.next_action
    assert Kind.JOB_COMPLETED is end


def test_a_dead_router(product: LocalStack, nct_ids: list[str]) -> None:
    """A request that no router reads is explained by the router that does not run."""
    product.stop("router")
    job = product.submit(*studies(nct_ids[:1]))
    found = explained(product, job, "router_dead")
    product.start()
    end = product.wait_for_end(job)

    assert ("requested", "a running router") == (found.status, found.waiting_on)
    assert Kind.JOB_COMPLETED is end


def test_a_lagging_consumer(product: LocalStack, nct_ids: list[str]) -> None:
    """Behind a consumer that is there and slow, a job is explained by the records that stand before it."""
    jobs = in_one_partition(product)
    with ingesting(product, ONE_BY_ONE) as topology:
        product.suspend("replay")
        try:
            product.submit(studies(nct_ids[:3], topology=topology), job=jobs)
            found = explained(product, jobs[-1], "lagging_consumer")
        finally:
            product.resume("replay")
        ends = product.wait_for_ends(jobs)

    assert ("lagging_consumer", "ingest") == (found.cause, found.stage)
    assert f"{len(jobs) - 1} records stand before it on ingest.queue.v1" in found.summary
    assert "`medkg up --scale ingest=2`" in found.next_action
    assert {Kind.JOB_COMPLETED} == set(ends.values())


def test_an_open_breaker(product: LocalStack, nct_ids: list[str]) -> None:
    """While the source is away its breaker is open: the next job is explained by it, and passes when it is back."""
    product.stop("replay")
    with ingesting(product, FRAGILE) as topology:
        first = product.submit(*studies(nct_ids[:1], topology=topology))
        product.wait_for_end(first)
        second = product.submit(*studies(nct_ids[1:2], topology=topology))
        found = explained(product, second, "open_breaker")
        failed = explanation(product, first)
        product.start()
        ends = product.wait_for_ends([first, second])

    assert f"the breaker of ingest (policy {topology}) is open" in found.summary
    assert "[source_unavailable]" in (found.last_error or "")
    assert ("failed", True) == (failed.cause, f"`medkg job rerun {first}`" in failed.next_action)
    assert {first: Kind.JOB_FAILED, second: Kind.JOB_COMPLETED} == ends


def test_an_exhausted_rate_limit(product: LocalStack, nct_ids: list[str]) -> None:
    """A job whose policy's rate is used up is explained by it, with the seconds until its slot."""
    with ingesting(product, SLOW) as topology:
        for _ in range(5):  # the last job waits for 8 s; a busy machine may not get round to asking meanwhile
            jobs = product.submit(studies(nct_ids[:3], topology=topology))
            found = explained(product, jobs[-1], "rate_limited", "completed")
            if found.cause == "rate_limited":
                break
        ends = product.wait_for_ends(jobs)

    assert f"the rate limit of 0.25 a second (policy {topology}) is used up; the next slot is in" in found.summary
    assert {Kind.JOB_COMPLETED} == set(ends.values())


def test_waiting_for_credit(product: LocalStack, nct_ids: list[str]) -> None:
    """Where a slow stage's window is full, a job is explained by the requests that go before it."""
    window = "window: 256\nwindows: {ingest: 1}\n"
    with ingesting(product, SLOW, window) as topology:
        jobs = product.submit(studies(nct_ids[:3], topology=topology))
        for job in jobs:
            product.wait_for_event(Kind.JOB_ACCEPTED, job)
        found = explanations(product, jobs)
        ends = product.wait_for_ends(jobs)

    (waiting, *_) = [each for each in found if each.cause == "waiting_for_credit"]
    assert "ingest has 1 requests of a window of 1" in waiting.summary
    assert "`medkg up --scale ingest=2`" in waiting.next_action
    assert {Kind.JOB_COMPLETED} == set(ends.values())


def test_a_timer_that_is_not_due(product: LocalStack, nct_ids: list[str]) -> None:
    """A stage whose next try is far away is explained by its timer and by the error of the last try."""
    product.stop("replay")
    with ingesting(product, PATIENT) as topology:
        job = product.submit(*studies(nct_ids[:1], topology=topology))
        found = explained(product, job, "timer_not_due")
        product.start()
        order(product, Kind.CONTROL_CANCEL, job, Order(by="alice", reason="enough seen"))
        end = product.wait_for_end(job)
    ended = explanation(product, job)

    assert "try 1 of 3 of ingest failed; the next one is due in" in found.summary
    assert "[source_unavailable]" in (found.last_error or "")
    assert Kind.JOB_CANCELLED is end
    assert ("cancelled", "alice cancelled it: enough seen") == (ended.cause, ended.summary)


@pytest.mark.parametrize(
    ("scope", "cause", "command"),
    [
        (ScopeOrder(scope="tenant", name="explained"), "tenant_paused", "medkg resume --tenant explained"),
        (ScopeOrder(scope="stage", name="parse"), "stage_paused", "medkg resume --stage parse"),
        (ScopeOrder(scope="stage", name="parse", drain=True), "stage_paused", "medkg resume --stage parse"),
    ],
    ids=["tenant", "stage", "drain"],
)
def test_a_pause(product: LocalStack, nct_ids: list[str], scope: ScopeOrder, cause: str, command: str) -> None:
    """A job that a tenant's or a stage's pause holds is explained by it, with the command that ends it."""
    with paused(product, scope):
        job = product.submit(*studies(nct_ids[:1]), tenant="explained")
        found = explained(product, job, cause)
    end = product.wait_for_end(job)

    assert f"`{command}`" in found.next_action
    assert Kind.JOB_COMPLETED is end


def test_a_paused_job(product: LocalStack, nct_ids: list[str]) -> None:
    """A job that is paused at a gate is held behind it, and explained by its own pause."""
    job = product.submit(*studies(nct_ids[:1], topology=REVIEWED))
    product.wait_for_event(Kind.GATE_WAITING, job)
    pause = ScopeOrder(scope="job", name=job)
    order(product, Kind.CONTROL_PAUSE, job, pause)
    product.wait_for_event(Kind.JOB_PAUSED, job)
    approve(product, job)
    found = explained(product, job, "job_paused")
    order(product, Kind.CONTROL_RESUME, job, pause)
    end = product.wait_for_end(job)

    assert ("index", True) == (found.stage, f"`medkg resume --job {job}`" in found.next_action)
    assert Kind.JOB_COMPLETED is end


def test_a_closed_gate(product: LocalStack, nct_ids: list[str]) -> None:
    """A job at a gate is explained by the event that it waits for, and the join by the gate."""
    job = product.submit(*studies(nct_ids[:1], topology=REVIEWED))
    product.wait_for_event(Kind.GATE_WAITING, job)
    product.wait_for_event(Kind.STAGE_COMPLETED, job, stage="chunk")
    found = explained(product, job, "gate_closed")
    approve(product, job)
    end = product.wait_for_end(job)

    assert "approval" == found.stage
    assert f"an event on approvals.v1 with jobid={job}" in (found.waiting_on or "")
    assert "the join index waits for its branch approval" in (found.waiting_on or "")
    assert Kind.JOB_COMPLETED is end


def test_a_missing_branch_of_a_join(product: LocalStack, nct_ids: list[str]) -> None:
    """A branch whose request was lost is named by the join that waits for it, and comes when it is run again."""
    product.stop("validate")
    job = product.submit(*studies(nct_ids[:1], topology=REVIEWED))
    product.wait_for_event(Kind.STAGE_COMPLETED, job, stage="chunk")
    lost = Place.parse(explained(product, job, "dead_consumer").record or "")
    skip(product, topics.group("validate"), lost)
    product.start()
    found = explained(product, job, "join_waits")
    order(product, Kind.CONTROL_RERUN, job, RerunOrder(stage="validate"))
    product.wait_for_event(Kind.GATE_WAITING, job)
    approve(product, job)
    end = product.wait_for_end(job)

    assert ("validate", str(lost)) == (found.stage, found.record)
    assert "the join index waits for its branch approval (chunk has arrived)" in found.summary
    assert f"`medkg job rerun {job} --from validate`" in found.next_action
    assert Kind.JOB_COMPLETED is end


def test_no_gpu(product: LocalStack, nct_ids: list[str]) -> None:
    """A stage that refuses to start without a GPU is explained by that, and not as a consumer that died."""
    product.stop("chunk")
    environment = {**os.environ, **product.environment, "MK_ACCELERATOR": "cuda", "CUDA_VISIBLE_DEVICES": ""}
    code = subprocess.run([sys.executable, "-c", ACCELERATED], env=environment, check=False).returncode
    job = product.submit(*studies(nct_ids[:1]))
    found = explained(product, job, "no_gpu")
    product.start()
    end = product.wait_for_end(job)

    assert accelerator.EXIT_CODE == code
    assert "chunk" == found.stage
    assert "[gpu_unavailable]" in (found.last_error or "")
    assert Kind.JOB_COMPLETED is end


def test_an_invalid_topology(product: LocalStack) -> None:
    """A job that asks for a broken topology is rejected, and explained by the file, the line and the field."""
    broken = product.topologies / "pipelines" / "broken.yaml"
    try:
        with product.watch() as watch:
            broken.write_text(BROKEN)
            watch.seen(Kind.TOPOLOGY_REFUSED)
        job = product.submit(*studies(["NCT05814159"], topology="broken"))
        end = product.wait_for_end(job)
    finally:
        broken.unlink()
    found = explanation(product, job)

    assert Kind.JOB_REJECTED is end
    assert "rejected" == found.cause
    assert "broken.yaml:6: stages[0].depends_on" in (found.last_error or "")


def test_a_poison_record(product: LocalStack) -> None:
    """A request that is no JSON is kept byte for byte in the DLQ, and explained by what is wrong with it."""
    job = f"poison-{uuid4().hex[:8]}"
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"1"),
        ("ce_source", b"/someone"),
        ("ce_type", Kind.JOB_REQUESTED.type.encode()),
        ("ce_jobid", job.encode()),
        ("content-type", b"application/json"),
    ]
    product.put([Record(topics.REQUESTS, 0, 0, 0, job.encode(), b"{not json", headers)])
    product.wait_for_event(Kind.RECORD_REFUSED, job)
    found = explained(product, job, "poison_record")
    (letter,) = letters(product, topics.ROUTER_DLQ, job)

    assert "not JSON" in (found.last_error or "")
    assert str(letter.place) == found.record
    assert f"`medkg dlq show {letter.place}`" in found.next_action
    assert b"{not json" == letter.value
    assert headers == original_headers(letter.headers)
