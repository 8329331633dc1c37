"""The router as a process: what becomes of requests, good and bad."""

import json
import os
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from medkg_bus.clients import partition_of
from medkg_contracts import topics
from medkg_contracts.cloudevents import to_headers
from medkg_contracts.deadletter import original_headers, reason_headers
from medkg_contracts.kinds import Kind
from medkg_ledger import Change, JobStatus, NodeState, NodeStatus

from .world import World, requested

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("router")]


async def test_a_job_runs_through_its_topology(world: World) -> None:
    """A request is accepted, each stage is asked for as the ones before it have ended, and the job is completed."""
    names = world.names
    job = await world.request(names.gated)
    await world.until(lambda: world.asked(names.first, job))
    await world.answer(job, names.first, "one")
    await world.until(lambda: "gate.waiting" in world.story(job))
    await world.approve(job)
    await world.until(lambda: world.asked(names.second, job))
    await world.answer(job, names.second, "two")
    await world.until(lambda: "job.completed" in world.story(job))

    assert ["job.accepted", "gate.waiting", "gate.opened", "job.completed"] == world.story(job)
    state = await world.state(job)
    assert (JobStatus.COMPLETED, {"one", "two"}) == (state.status, set(state.artifacts))
    await world.forgotten()


async def test_a_request_twice_is_one_job(world: World) -> None:
    """A request that is sent again starts nothing, and the lifecycle says so."""
    job = await world.request(world.names.plain)
    await world.request(world.names.plain, job)
    await world.until(lambda: "event.ignored" in world.story(job))

    assert ["job.accepted", "event.ignored"] == world.story(job)
    assert ["duplicate"] == [data["reason"] for data in world.told("event.ignored", job)]
    assert 1 == len(world.asked(world.names.first, job))


async def test_a_request_is_one_when_it_is_committed(world: World, kafka_bootstrap: str) -> None:
    """A request of a transaction is no job while that is open or when it is aborted, and one once it is committed."""
    aborted = world.job()
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=aborted) as client:
        count = len(await client.partitions_for(topics.REQUESTS))
        place = partition_of(aborted.encode(), count)
        committed, behind = (_job_in(world, place, count) for _ in range(2))
        elsewhere = _job_in(world, (place + 1) % count, count)

        async def begin(job: str) -> None:
            event = requested(job, topology=world.names.plain)
            await client.begin_transaction()
            await client.send_and_wait(topics.REQUESTS, event.data, job.encode(), headers=to_headers(event))

        await begin(aborted)
        await client.abort_transaction()
        await begin(committed)
        for job in (behind, elsewhere):
            await world.request(world.names.plain, job)
        await world.until(lambda: "job.accepted" in world.story(elsewhere))
        while_open = [world.story(job) for job in (aborted, committed, behind)]
        await client.commit_transaction()
    await world.until(lambda: "job.accepted" in world.story(behind))

    assert [[], [], []] == while_open
    assert [[], ["job.accepted"], ["job.accepted"]] == [world.story(job) for job in (aborted, committed, behind)]
    assert await world.ledger.get(aborted) is None


def _job_in(world: World, place: int, count: int) -> str:
    """A job id whose records stand in this partition of so many."""
    return next(job for job in iter(world.job, None) if partition_of(job.encode(), count) == place)


@pytest.mark.parametrize("other", [{"id": "NCT2"}, {"tenant": "acme"}, {"priority": "high"}])
async def test_the_id_of_another_job_is_refused_to_whoever_asked(world: World, other: dict[str, str]) -> None:
    """A request under another job's id changes nothing, is kept, and is answered as its sender's, not the job's."""
    names = world.names
    job = await world.request(names.plain)
    await world.until(lambda: world.asked(names.first, job))
    before = await world.state(job)
    data = {"tenant": "public", **other}
    sent = requested(job, topology=names.plain, **data)
    await world.send(topics.REQUESTS, replace(sent, id="r-2", source="/else"))
    await world.until(lambda: "record.refused" in world.story(job) and world.on(topics.ROUTER_DLQ, job))

    [answer] = [record for record in world.on(topics.EVENTS, job) if b"job_id_taken" in (record.value or b"")]
    headers = dict(answer.headers)
    assert (data["tenant"].encode(), b"r-2", b"/else") == (
        headers["ce_tenantid"], headers["ce_causationid"], headers["ce_causationsource"],
    )  # fmt: skip
    assert [sent.data] == [record.value for record in world.on(topics.ROUTER_DLQ, job)]
    assert (before, False) == (await world.state(job), "event.ignored" in world.story(job))


async def test_a_result_twice_is_one_result(world: World) -> None:
    """A stage's answer that comes again, or for another run of it, changes nothing, and the lifecycle says so."""
    job = await world.request(world.names.plain)
    await world.until(lambda: world.asked(world.names.first, job))
    await world.answer(job, world.names.first, "one", epoch=2)
    await world.answer(job, world.names.first, "one")
    await world.answer(job, world.names.first, "one")
    await world.until(lambda: len(world.told("event.ignored", job)) == 2)

    assert ["foreign", "duplicate"] == [data["reason"] for data in world.told("event.ignored", job)]
    assert 1 == world.story(job).count("job.completed")


async def test_poison_is_kept_byte_for_byte(world: World) -> None:
    """Whatever stands among the requests is kept as it was and told of; the requests around it are accepted.

    So is one that has headers of somebody else's tool.
    """
    event = requested("j-poison", topology=world.names.plain)
    headers = to_headers(event)
    no_type = [(name, raw) for name, raw in headers if name != "ce_type"]
    mark = world.names.mark.encode()
    poison = {
        b"1" + mark: (event.data, [*headers, ("null", None), ("ce_id", b"another")]),
        b"2" + mark: (event.data, [*headers, ("ce_latin", b"\xe9")]),
        b"3" + mark: (event.data, [*no_type, ("ce_type", b"com.example.unknown")]),
        b"4" + mark: (event.data, [*no_type, ("ce_type", Kind.STAGE_STARTED.type.encode())]),
        b"5" + mark: (event.data, []),
        b"6\xff\x00" + mark: (None, [("latin", b"\xe9")]),
        b"7" + mark: (os.urandom(1024 * 1024 + 1), headers),
        b"8" + mark: (b"{", headers),
        b"9" + mark: (None, headers),
    }
    before = await world.request(world.names.plain)
    for key, (value, given) in poison.items():
        await world.put(topics.REQUESTS, key, value, given)
    await world.put(topics.REQUESTS, None, None, [("empty", mark)])
    after, foreign = await world.request(world.names.plain), world.job()
    tagged = requested(foreign, topology=world.names.plain)
    headers = [("__value_schema_id", b"\x01\xa1\xff\x00"), ("null", None), *to_headers(tagged)]
    await world.put(topics.REQUESTS, foreign.encode(), tagged.data, headers)

    def kept():
        letters = world.on(topics.ROUTER_DLQ)
        return [record for record in letters if mark in (record.key or dict(record.headers).get("empty", b""))]

    def refused():
        return {(data["partition"], data["offset"]) for data in world.told("record.refused")}

    await world.until(lambda: len(kept()) == 10 and len(refused()) >= 10)
    await world.until(lambda: all("job.accepted" in world.story(job) for job in (before, after, foreign)))

    for record in kept():
        value, given = poison.get(record.key or b"", (None, [("empty", mark)]))
        assert (value, given) == (record.value, original_headers(record.headers))
        assert "poison" == reason_headers(record.headers)["medkg-error-code"]
    assert await world.ledger.get("j-poison") is None


INVALID = {
    "id and ids": lambda event: replace(event, data=b'{"source":"ctgov","id":"1","ids":["2"]}'),
    "an unknown field": lambda event: replace(event, data=b'{"source":"ctgov","id":"1","colour":"red"}'),
    "a tenant that is none": lambda event: replace(event, extensions={**event.extensions, "tenantid": "../x"}),
}


@pytest.mark.parametrize("kind", INVALID)
async def test_an_invalid_request_is_rejected_and_kept(kind: str, world: World) -> None:
    """A request that breaks the contract is a rejected job with the reason, and its record is on the DLQ."""
    job = world.job()
    event = INVALID[kind](requested(job, topology=world.names.plain))
    await world.send(topics.REQUESTS, event)
    await world.until(lambda: "job.rejected" in world.story(job) and world.on(topics.ROUTER_DLQ, job))

    state = await world.state(job)
    assert (JobStatus.REJECTED, "request_invalid") == (state.status, state.error.code)
    assert ["request_invalid"] == [data["error"]["code"] for data in world.told("job.rejected", job)]
    assert event.data == world.on(topics.ROUTER_DLQ, job)[0].value


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"topology": "no-such-topology"}, "topology_unknown"),
        ({"source": "nowhere"}, "topology_unknown"),
        ({"until": "no-such-stage"}, "request_invalid"),
    ],
)
async def test_a_request_that_no_topology_takes_is_rejected(data, code, world: World) -> None:
    """A request that is in order but leads nowhere is a rejected job that says what there is."""
    job = world.job()
    topology = {} if "source" in data else {"topology": world.names.plain}
    await world.send(topics.REQUESTS, requested(job, **{**topology, **data}))
    await world.until(lambda: "job.rejected" in world.story(job))

    assert (JobStatus.REJECTED, code) == ((state := await world.state(job)).status, state.error.code)


async def test_a_job_that_somebody_else_changed_is_decided_anew(world: World) -> None:
    """A router that remembers a job as it was loses the compare-and-set, reads it again and decides anew."""
    job = await world.request(world.names.plain)
    await world.until(lambda: world.asked(world.names.first, job))
    before = (await world.ledger.load([job]))[job]
    changed = before.state.model_copy(update={"retry_count_per_stage": {"elsewhere": 7}})
    assert [True] == (await world.ledger.commit([Change(before, changed)])).written
    await world.answer(job, world.names.first, "one")
    await world.until(lambda: "job.completed" in world.story(job))

    assert {"elsewhere": 7} == (await world.state(job)).retry_count_per_stage
    assert 1 == world.story(job).count("job.completed")


async def test_a_request_above_the_limit_travels_as_a_claim_check(world: World) -> None:
    """A request for thousands of items is read from the store where its sender left it."""
    job = world.job()
    event = requested(job, id=None, ids=[f"NCT{number:08}" for number in range(9000)], topology=world.names.plain)
    ref = await world.store.put("public", "event-data", event.data or b"")
    event = replace(event, data=None, extensions={**event.extensions, "dataref": str(ref.uri)})
    await world.send(topics.REQUESTS, event)
    # Every batch takes the topology `batch`, which this router does not have: it says so only of what it has read.
    await world.until(lambda: "job.rejected" in world.story(job))

    assert "batch" in json.dumps(world.told("job.rejected", job))


async def test_an_answer_that_memory_does_not_expect_is_looked_up(world: World) -> None:
    """A router that remembers a job as it was before another replica had it does not take its answers for foreign."""
    names = world.names
    job = await world.request(names.gated)
    await world.until(lambda: world.asked(names.first, job))
    before = (await world.ledger.load([job]))[job]
    nodes = {
        names.first: NodeState(status=NodeStatus.COMPLETED, epoch=1),
        "approval": NodeState(status=NodeStatus.OPENED, epoch=1),
        names.second: NodeState(status=NodeStatus.REQUESTED, epoch=1),
    }
    elsewhere = before.state.model_copy(update={"nodes": nodes})
    assert [True] == (await world.ledger.commit([Change(before, elsewhere)])).written
    await world.answer(job, names.second, "two")
    await world.until(lambda: "job.completed" in world.story(job))

    assert "event.ignored" not in world.story(job)
