"""Timers, outbox, plans, and the end of a ledger."""

import pytest
from medkg_ledger import Effects
from medkg_ledger.wiping import WipeableLedger
from medkg_topology.plan import Plan
from redis.asyncio import Redis

from .records import NOW, PLAN, due, job, move, new, timer, write

pytestmark = pytest.mark.integration


async def test_due_timers_come_in_order(ledger: WipeableLedger) -> None:
    """Timers that are due come with the earliest first; those of later are not among them."""
    timers = [timer("late", NOW + 2), timer("early", NOW), timer("next", NOW + 1), timer("future", NOW + 3)]
    await ledger.commit([new(job(), effects=due(*timers))])

    assert [timers[1], timers[2], timers[0]] == await ledger.due_timers(NOW + 2)
    assert [timers[1]] == await ledger.due_timers(NOW + 3, limit=1)


async def test_next_timer(ledger: WipeableLedger) -> None:
    """The earliest timer's time is known; without timers there is none."""
    before = await ledger.next_timer()
    await ledger.commit([new(job(), effects=due(timer("b", NOW + 2), timer("a", NOW + 1)))])

    assert (None, NOW + 1) == (before, await ledger.next_timer())


async def test_timer_of_a_job_whose_id_has_colons(ledger: WipeableLedger) -> None:
    """A timer comes back with the job and node that it was set for."""
    set_ = timer("mineru-gate_2", NOW, "batch:7.item-1")
    await ledger.commit([new(job("batch:7.item-1"), effects=due(set_))])

    assert [set_] == await ledger.due_timers(NOW)


async def test_timer_is_set_anew(ledger: WipeableLedger) -> None:
    """Setting a node's timer again moves it."""
    await ledger.commit([new(job(), effects=due(timer("mineru", NOW)))])
    await move(ledger, "j-1", change={}, effects=due(timer("mineru", NOW + 9)))

    assert [timer("mineru", NOW + 9)] == await ledger.due_timers(NOW + 9)


async def test_commit_drops_timers(ledger: WipeableLedger) -> None:
    """A change drops the timers of its own job alone."""
    await ledger.commit(
        [
            new(job("j-1"), effects=due(timer("a", NOW), timer("b", NOW))),
            new(job("j-2"), effects=due(timer("a", NOW, "j-2"))),
        ]
    )
    await move(ledger, "j-1", change={}, effects=Effects(timers={"a": None, "never set": None}))

    assert [timer("b", NOW), timer("a", NOW, "j-2")] == await ledger.due_timers(NOW)


async def test_timers_are_dropped_by_name(ledger: WipeableLedger) -> None:
    """Timers can be dropped without a change of their job."""
    timers = [timer("a", NOW), timer("b", NOW)]
    await ledger.commit([new(job(), effects=due(*timers))])
    await ledger.drop_timers(timers[:1])
    await ledger.drop_timers([])

    assert timers[1:] == await ledger.due_timers(NOW)


async def test_outbox_is_kept_until_forgotten(ledger: WipeableLedger) -> None:
    """What changes have to send stays in the outbox, under entries that the commit names, until it is forgotten."""
    changes = [new(job("j-1"), outbox=b"\x00one"), new(job("j-2"), outbox=b"two"), new(job("j-3"))]
    committed = await ledger.commit(changes)
    before = await ledger.outbox()
    await ledger.forget(committed.entries[:1])

    assert ({"j-1 1": b"\x00one", "j-2 1": b"two"}, {"j-2 1": b"two"}) == (before, await ledger.outbox())


async def test_outbox_is_in_order_per_job(ledger: WipeableLedger) -> None:
    """The entries of a job come in the order of its revisions, also past the tenth."""
    await ledger.commit([new(job(), outbox=b"1")])
    for number in range(2, 13):
        await move(ledger, "j-1", change={}, outbox=str(number).encode())

    assert [str(number).encode() for number in range(1, 13)] == list((await ledger.outbox()).values())


async def test_entries_are_forgotten_by_name(ledger: WipeableLedger) -> None:
    """Entries of the outbox can be removed one by one."""
    await ledger.commit([new(job("j-1"), outbox=b"one"), new(job("j-2"), outbox=b"two")])
    await ledger.forget(["j-2 1", "j-9 1"])
    await ledger.forget([])

    assert {"j-1 1": b"one"} == await ledger.outbox()


async def test_plan_is_found_by_its_digest(ledger: WipeableLedger) -> None:
    """A plan that was saved, once or twice, comes back equal and with the same digest."""
    await ledger.save_plan(PLAN)
    await ledger.save_plan(PLAN)
    found = await ledger.plan(PLAN.digest)

    assert found is not None
    assert (PLAN, PLAN.digest) == (found, found.digest)


async def test_unknown_plan_is_none(ledger: WipeableLedger) -> None:
    """A digest that no plan has finds none."""
    assert await ledger.plan("0" * 64) is None


async def test_all_plans_are_listed(ledger: WipeableLedger) -> None:
    """Every saved plan is listed under its digest."""
    other = Plan(name="papers", version="1", nodes=())
    await ledger.save_plan(PLAN)
    await ledger.save_plan(other)

    assert {PLAN.digest: PLAN, other.digest: other} == await ledger.plans()


async def test_wipe_leaves_other_ledgers(redis_url: str, ledger: WipeableLedger) -> None:
    """Wiping a ledger deletes all that is its own and nothing of another's."""
    other = WipeableLedger.from_url(redis_url, "test-wipe-other:")
    for each in (ledger, other):
        await each.commit([new(job(), effects=due(timer("mineru", NOW)), outbox=b"x")])
        await each.save_plan(PLAN)
    await ledger.wipe()

    assert (True, False) == (await ledger.is_empty(), await other.is_empty())
    assert ({}, None, None) == (await ledger.outbox(), await ledger.next_timer(), await ledger.plan(PLAN.digest))
    assert (job(), {"j-1 1": b"x"}) == (await other.get("j-1"), await other.outbox())
    await other.wipe()
    await other.close()


async def test_wipe_counts_the_keys(ledger: WipeableLedger) -> None:
    """Wiping says how many keys it deleted."""
    await write(ledger, *(job(f"j-{number}") for number in range(30)))

    assert 30 + len(["moved", "index:all", "index:state:running", "index:tenant:public"]) == await ledger.wipe()


async def test_prefix_is_no_pattern(redis_url: str, redis: Redis) -> None:
    """A prefix with characters that mean something in a pattern stands for itself alone."""
    odd = WipeableLedger.from_url(redis_url, "test-[odd]*:")
    await redis.set("test-o-kept:", "somebody else's")
    await write(odd, job())
    await odd.save_plan(PLAN)
    plans = await odd.plans()
    await odd.wipe()

    assert ({PLAN.digest: PLAN}, True, 1) == (plans, await odd.is_empty(), await redis.delete("test-o-kept:"))
    await odd.close()
