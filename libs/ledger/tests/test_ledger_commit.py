"""Compare-and-set: what a commit writes, and what it refuses."""

import asyncio

import pytest
from medkg_contracts.errors import LedgerUnavailable
from medkg_ledger import Change, Committed, Effects, JobStatus, Versioned
from medkg_ledger.store import Ledger
from redis.asyncio import Redis

from .interruptions import CuttingProxy
from .records import NOW, ask, due, end, job, listing, move, new, timer, write

pytestmark = pytest.mark.integration


async def test_new_job_is_written(ledger: Ledger) -> None:
    """A job that is not there is written as revision 1."""
    flags = (await ledger.commit([new(job())])).written

    assert [True] == flags
    assert {"j-1": Versioned(job(), 1)} == await ledger.load(["j-1"])


async def test_unknown_job_is_revision_0(ledger: Ledger) -> None:
    """A job that is not there has no state and revision 0."""
    assert {"j-1": Versioned()} == await ledger.load(["j-1"])
    assert await ledger.get("j-1") is None


async def test_nothing_to_load_or_commit(ledger: Ledger) -> None:
    """Nothing asked is nothing done."""
    assert ({}, Committed([], [], [], [])) == (await ledger.load([]), await ledger.commit([]))


async def test_next_state_is_written(ledger: Ledger) -> None:
    """A change of the revision that was read is written as the next one."""
    await write(ledger, job())
    written = await move(ledger, "j-1", change={"sequence": 7})

    assert {"j-1": Versioned(written.after, 2)} == await ledger.load(["j-1"])


@pytest.mark.parametrize("revision", [0, 1, 3], ids=["not there", "stale", "from the future"])
async def test_other_revision_writes_nothing(ledger: Ledger, revision: int) -> None:
    """A change of any other revision is refused: neither state, index, timer nor outbox is touched."""
    await write(ledger, job())
    current = (await move(ledger, "j-1", change={"sequence": 2}, effects=due(timer("mineru", NOW)))).after
    stale = Change(
        Versioned(job(), revision),
        job(status=JobStatus.FAILED, current_stage="parse"),
        effects=Effects(timers={"other": NOW, "mineru": None}),
        outbox=b"stale",
    )

    assert [False] == (await ledger.commit([stale])).written
    assert {"j-1": Versioned(current, 2)} == await ledger.load(["j-1"])
    assert {"state:running": 1, "state:failed": 0, "stage:parse": 0} == await ledger.counts(
        ["state:running", "state:failed", "stage:parse"]
    )
    assert ([timer("mineru", NOW)], {}) == (await ledger.due_timers(NOW), await ledger.outbox())


async def test_stale_job_does_not_hold_up_the_others(ledger: Ledger) -> None:
    """Of many jobs in one commit, those with the right revision are written although one is stale."""
    await write(ledger, job("j-2"))
    changes = [new(job(f"j-{number}", sequence=1), outbox=b"x") for number in (1, 2, 3)]

    assert [True, False, True] == (await ledger.commit(changes)).written
    assert [1, 0, 1] == [state.sequence for state in [await ledger.get(f"j-{number}") for number in (1, 2, 3)] if state]
    assert ["j-1 1", "j-3 1"] == list(await ledger.outbox())


async def test_one_job_twice_in_a_commit(ledger: Ledger) -> None:
    """Of two changes of one revision in one commit, the first is written."""
    first, second = new(job(sequence=1)), new(job(sequence=2))

    assert [True, False] == (await ledger.commit([first, second])).written
    assert first.after == await ledger.get("j-1")


async def test_changes_of_one_job_build_on_each_other(ledger: Ledger) -> None:
    """A change may follow on another of the same commit."""
    first = new(job(sequence=1), outbox=b"1")
    second = Change(Versioned(first.after, 1), job(sequence=2), outbox=b"2")

    assert [True, True] == (await ledger.commit([first, second])).written
    assert ({"j-1": Versioned(second.after, 2)}, {"j-1 1": b"1", "j-1 2": b"2"}) == (
        await ledger.load(["j-1"]),
        await ledger.outbox(),
    )


async def test_no_update_is_lost(redis_url: str, prefix: str, ledger: Ledger) -> None:
    """Writers that try again after a refusal count together to the number of their writes."""
    await write(ledger, job())

    async def count_up(times: int) -> None:
        own = Ledger.from_url(redis_url, prefix)
        while times:
            before = (await own.load(["j-1"]))["j-1"]
            assert before.state is not None
            after = before.state.model_copy(update={"sequence": before.state.sequence + 1})
            times -= sum((await own.commit([Change(before, after)])).written)
        await own.close()

    await asyncio.gather(*(count_up(10) for _ in range(5)))

    assert 50 == (await ledger.load(["j-1"]))["j-1"].revision - 1
    assert job(sequence=50) == await ledger.get("j-1")


async def test_indexes_follow_the_state(ledger: Ledger) -> None:
    """A job stands in the indexes that its state names, and in no others."""
    before = job(pipeline_name="trials", batch_id="b-1", current_stage="ingest", tenant_id="acme")
    await write(ledger, before)
    await move(ledger, "j-1", change={"status": JobStatus.FAILED, "current_stage": "parse"})
    stays = ["all", "tenant:acme", "pipeline:trials", "batch:b-1", "state:failed", "stage:parse"]
    left = ["state:running", "stage:ingest", "tenant:public"]

    assert {**dict.fromkeys(stays, 1), **dict.fromkeys(left, 0)} == await ledger.counts([*stays, *left])


async def test_emptiness(ledger: Ledger) -> None:
    """A ledger is empty until it knows a job."""
    before = await ledger.is_empty()
    await write(ledger, job())

    assert (True, False) == (before, await ledger.is_empty())


async def test_five_hundred_jobs_at_once(ledger: Ledger) -> None:
    """A commit of a full batch is written whole, with timers and outbox."""
    ids = [f"j-{number:03d}" for number in range(500)]
    changes = [new(job(name), effects=due(timer("mineru", NOW, name)), outbox=name.encode()) for name in ids]

    assert [True] * 500 == (await ledger.commit(changes)).written
    assert ids[::-1] == await listing(ledger, 100)
    assert ids == [entry.job_id for entry in await ledger.due_timers(NOW, limit=1000)]
    assert 500 == len(await ledger.outbox())


async def test_more_timers_than_lua_can_unpack(ledger: Ledger) -> None:
    """Nine thousand timers of one job can be set at once, and dropped at once."""
    timers = [timer(f"n{number}", NOW) for number in range(9000)]
    await ledger.commit([new(job(), effects=due(*timers))])
    await move(
        ledger, "j-1", change={}, effects=Effects(timers={entry.node: None for entry in timers[1:]}), outbox=b"x"
    )

    assert [timers[0]] == await ledger.due_timers(NOW, limit=9000)
    assert {"j-1 2": b"x"} == await ledger.outbox()


async def test_script_is_loaded_again(ledger: Ledger, redis: Redis) -> None:
    """A Redis that has forgotten the script, as after a restart, is given it again."""
    await write(ledger, job())
    await redis.script_flush()
    await end(ledger, "j-1")

    assert {"state:completed": 1} == await ledger.counts(["state:completed"])


async def test_commit_whose_answer_is_lost(redis_url: str, prefix: str, ledger: Ledger) -> None:
    """A commit that Redis did, but whose answer was lost, is unavailable and never stale; its outbox is kept."""
    await write(ledger, job())  # so that Redis knows the script and the cut commit is done at once
    async with CuttingProxy(redis_url, cut_after=b"EVALSHA") as proxy:
        behind = Ledger.from_url(proxy.url, prefix)
        with pytest.raises(LedgerUnavailable):
            await behind.commit([new(job("j-2"), outbox=b"x", asks=[ask()])])
        await behind.close()

    assert (1, {"j-2": Versioned(job("j-2"), 1)}, {"j-2 1": b"x", "j-2 1 parse": b"parse"}) == (
        proxy.cuts,
        await ledger.load(["j-2"]),
        await ledger.outbox(),
    )
