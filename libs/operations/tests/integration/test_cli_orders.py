"""Operators' orders against real servers and a real router."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from medkg_contracts import topics
from medkg_contracts.cloudevents import from_record
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import ScopeOrder
from medkg_contracts.requests import JobRequest, read_request
from medkg_ledger import Change, JobState, JobStatus, RolloutState, Versioned
from medkg_ledger.store import Ledger
from medkg_operations.requests import request_event

from libs.cli.tests.calling import medkg, medkg_json

from .operating import Playground, playground

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def place(kafka_bootstrap: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    """A running router whose stages the tests play."""
    with playground(kafka_bootstrap, redis_url, tmp_path_factory.mktemp("orders")) as place:
        yield place


def held(place: Playground, stage: str) -> int:
    """How much work of the stage is held back."""

    async def ask() -> int:
        ledger = Ledger.from_url(place.redis_url)
        try:
            pending = await ledger.pending()
        finally:
            await ledger.close()
        return pending[stage].held if stage in pending else 0

    return asyncio.run(ask())


def test_a_failed_job_is_run_again(place: Playground):
    """`job rerun` goes on where the job failed, and names who answered for it."""
    job = place.submit()
    place.complete(place.first, job)
    place.fail(place.second, job)
    (answer,) = medkg_json("job", "rerun", job)
    assert (job, "restarted") == (answer["about"], answer["result"])
    place.complete(place.second, job, epoch=2)
    place.told(job, Kind.JOB_COMPLETED)


def test_a_completed_job_is_run_again_from_a_stage(place: Playground):
    """`job rerun --from` runs a stage and what depends on it, and nothing before it."""
    job = place.submit()
    place.complete(place.first, job)
    place.complete(place.second, job)
    place.told(job, Kind.JOB_COMPLETED)
    assert 0 == medkg("job", "rerun", job, "--from", place.second).exit_code
    place.complete(place.second, job, epoch=2)
    assert 1 == place.state(job).nodes[place.first].epoch


def test_an_order_that_cannot_be_obeyed_is_refused(place: Playground):
    """A rerun from a stage that there is not ends with 5, and says why."""
    result = medkg("job", "rerun", place.submit(), "--from", "nowhere")
    assert (5, True) == (result.exit_code, "nowhere" in result.stdout)
    assert 3 == medkg("job", "rerun", "nobody-knows-it").exit_code


def test_a_job_is_cancelled_once(place: Playground):
    """`job cancel` cancels a running job; one that has ended cannot be cancelled any more."""
    job = place.submit()
    assert 0 == medkg("job", "cancel", job, "--reason", "wrong").exit_code
    assert JobStatus.CANCELLED == place.state(job).status
    result = medkg("job", "cancel", job)
    assert (5, True) == (result.exit_code, "has ended already" in result.stdout)


@pytest.mark.usefixtures("place")
def test_an_unknown_job_cannot_be_cancelled():
    """A job or batch that nobody knows is not found."""
    assert 3 == medkg("job", "cancel", "nobody-knows-it").exit_code


def test_a_batch_is_cancelled_with_all_its_jobs(place: Playground):
    """`job cancel` of a batch cancels all its running jobs, and `job rerun` runs them again; what had ended stays."""
    batch = f"b-{uuid4().hex[:8]}"
    running = [f"{batch}-{number}" for number in range(5)]
    ended = JobState(
        job_id=f"{batch}-ended", tenant_id="public", doc_id="ctgov:1", correlation_id=batch, batch_id=batch,
        status=JobStatus.COMPLETED, created_at=1, updated_at=1,
    )  # fmt: skip

    async def prepare() -> None:
        ledger = Ledger.from_url(place.redis_url)
        await ledger.commit([Change(before=Versioned(), after=ended)])
        await ledger.close()

    asyncio.run(prepare())
    request = JobRequest(source="ctgov", id="NCT1", topology=place.name, batch_id=batch)
    for job in running:
        place.send(topics.REQUESTS, request_event(request, source="/test", job=job))
        place.asked(place.first, job)
    answer = medkg_json("job", "cancel", batch)
    assert {"cancelled": 5} == answer["counts"]
    assert {JobStatus.CANCELLED} == {place.state(job).status for job in running}
    assert "none of its jobs is running" in medkg("job", "cancel", batch).stdout
    assert {"restarted": 5} == medkg_json("job", "rerun", batch)["counts"]
    assert {JobStatus.RUNNING} == {place.state(job).status for job in running}
    result = medkg("job", "rerun", batch)
    assert (5, True) == (result.exit_code, "none of its jobs has failed or was cancelled" in result.stderr)


def test_the_id_of_another_job_is_refused(place: Playground):
    """A second request under a job's id ends with 5 if it asks for something else, and with 0 if for the same."""
    job = f"own-{uuid4().hex[:8]}"
    place.submit("--job-id", job)
    again = [medkg("submit", "ctgov", item, "--topology", place.name, "--job-id", job) for item in ("NCT1", "NCT2")]
    assert ([0, 5], True) == ([result.exit_code for result in again], "[job_id_taken]" in again[1].stderr)


def test_a_paused_job_waits_until_it_is_resumed(place: Playground):
    """`pause --job` holds the job's next work back, `paused` shows it, `resume` lets it go on."""
    job = place.submit()
    assert 0 == medkg("pause", "--job", job).exit_code
    assert [job] == medkg_json("paused")["jobs"]
    assert "unchanged" == medkg_json("pause", "--job", job)[0]["result"]
    assert "resumed" == medkg_json("resume", "--job", job)[0]["result"]
    assert [] == medkg_json("paused")["jobs"]


@pytest.mark.parametrize("scope", ["tenant", "stage"])
def test_a_paused_scope_waits_until_it_is_resumed(place: Playground, scope: str):
    """A paused tenant's or stage's work is held back; it goes out when it is resumed."""
    tenant = f"t{uuid4().hex[:8]}"
    name = tenant if scope == "tenant" else place.first
    assert "paused" == medkg_json("pause", f"--{scope}", name, "--by", "ann")[0]["result"]
    assert [f"{scope}:{name}"] == medkg_json("paused")["scopes"]
    job = medkg_json("submit", "ctgov", "NCT1", "--topology", place.name, "--tenant", tenant)["job_id"]
    place.told(job, Kind.JOB_ACCEPTED)
    assert 1 == held(place, place.first)
    assert "resumed" == medkg_json("resume", f"--{scope}", name)[0]["result"]
    place.asked(place.first, job)
    assert {"scopes": [], "jobs": []} == medkg_json("paused")


def test_a_drain_does_not_wait_for_what_nobody_will_answer(place: Playground):
    """Work whose request its service has passed over without an answer ends the drain, with what to do about it."""
    job = place.submit()
    place.complete(place.first, job)
    place.pass_over(place.asked(place.second, job))
    drained = medkg("drain", "--stage", place.second, "--timeout", "60")
    assert 1 == drained.exit_code
    assert f"nobody will answer for 1 in flight at {place.second}; of {job}" in drained.stderr
    assert f"medkg job rerun {job} --from {place.second}" in drained.stderr

    assert 0 == medkg("job", "cancel", job).exit_code
    assert 0 == medkg("resume").exit_code


def test_a_drained_stage_is_given_nothing_more(place: Playground):
    """`drain` waits until nothing is in flight; `resume` alone lets the stages go on."""
    medkg("job", "cancel", place.submit())
    drained = medkg("drain", "--stage", place.second, "--timeout", "20")
    assert (0, True) == (drained.exit_code, "It is safe to stop" in drained.stdout)
    assert [f"drain:{place.second}"] == medkg_json("paused")["scopes"]
    (answer,) = medkg_json("resume")
    assert f"stage:{place.second}" == answer["about"]
    assert "nothing is drained" in medkg("resume").stdout


def test_a_drain_that_takes_too_long_says_what_is_in_flight(place: Playground):
    """While a stage has work that it does not finish the drain ends with 1, and the stage stays drained."""
    job = place.submit()
    drained = medkg("drain", "--stage", place.first, "--timeout", "0.5")
    assert (1, True) == (drained.exit_code, f"in flight at {place.first}" in drained.stderr)
    medkg("resume")
    medkg("job", "cancel", job)


@pytest.mark.parametrize("words", [("pause",), ("drain",)])
@pytest.mark.usefixtures("place")
def test_an_unknown_stage_is_not_found(words: tuple[str, ...]):
    """A stage that no topology has cannot be paused or drained by mistake."""
    result = medkg(*words, "--stage", "prase")
    assert (3, True) == (result.exit_code, "there is no stage prase" in result.stderr)


def test_without_waiting_an_order_is_only_given(place: Playground):
    """--no-wait ends as soon as Kafka has the order; the router obeys it later."""
    job = place.submit()
    (given,) = medkg_json("job", "cancel", job, "--no-wait")
    cancelled = place.told(job, Kind.JOB_CANCELLED)
    assert given["event_id"] == cancelled.extensions["causationid"]


def test_orders_about_a_scope_keep_their_order(place: Playground):
    """Orders about one stage have one key, so that they stay in one partition."""
    medkg("pause", "--stage", place.second)
    medkg("resume", "--stage", place.second)
    subject = ScopeOrder(scope="stage", name=place.second).subject
    orders = [record for record in place.records(topics.CONTROL) if record.key == subject.encode()]
    assert 1 == len({record.partition for record in orders})


def test_a_priority_travels_with_the_request(place: Playground):
    """`submit --priority` is in the request, and the job has it."""
    job = place.submit("--priority", "high")
    (record,) = [record for record in place.records(topics.REQUESTS) if record.key == job.encode()]
    assert "high" == read_request(from_record(record.headers, record.value)).priority
    assert "high" == place.state(job).priority


def test_a_rollout_is_shown(place: Playground):
    """`rollout status` reads both versions' figures from the ledger; without one there is nothing to show."""
    assert 3 == medkg("rollout", "status", place.name).exit_code

    async def prepare() -> None:
        ledger = Ledger.from_url(place.redis_url)
        await ledger.save_rollout("trials", RolloutState(new="b" * 64, old="a" * 64, percent=10, reverted="slow"))
        await ledger.close()

    asyncio.run(prepare())
    (shown,) = medkg_json("rollout", "status", "trials")
    assert (10, "slow", 0, False) == (shown["percent"], shown["reverted"], shown["new"]["jobs"], shown["ended"])
    assert "new jobs take the old version again" in medkg("rollout", "status", "trials").stdout
