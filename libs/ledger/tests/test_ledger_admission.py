"""Asks for stages' work: granted, held, released, parked and withdrawn."""

import pytest
from medkg_ledger import Change, ControlState, Effects, Held, JobStatus, Pending, Released, Versioned
from medkg_ledger.wiping import WipeableLedger
from redis.asyncio import Redis

from .records import ask, job, jobs_of, move, new, request, settle

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def one_at_a_time(ledger: WipeableLedger) -> None:
    """A window of one ask, unless a test says otherwise."""
    await ledger.configure({}, default_window=1)


async def test_ask_with_credit_is_granted(ledger: WipeableLedger) -> None:
    """An ask for which there is credit may be sent, and stands in the outbox until it is."""
    committed = await ledger.commit([new(job(), outbox=b"first", asks=[ask()])])

    assert ([[True]], [], ["j-1 1", "j-1 1 parse"]) == (committed.granted, committed.released, committed.entries)
    assert {"j-1 1": b"first", "j-1 1 parse": b"parse"} == await ledger.outbox()
    assert {"gpu": Pending(1, 0)} == await ledger.pending()


async def test_ask_without_credit_is_held(ledger: WipeableLedger) -> None:
    """An ask beyond the window is held, and not in the outbox."""
    committed = await ledger.commit([new(job("j-1"), asks=[ask()]), new(job("j-2"), asks=[ask()])])

    assert ([[True], [False]], ["j-1 1 parse"]) == (committed.granted, committed.entries)
    assert ({"j-1 1 parse": b"parse"}, {"gpu": Pending(1, 1)}) == (await ledger.outbox(), await ledger.pending())


async def test_settling_releases(ledger: WipeableLedger) -> None:
    """The commit that settles an ask releases the next, whose record stands in the outbox until it is forgotten."""
    await request(ledger, "j-1", "j-2")
    await ledger.forget(list(await ledger.outbox()))
    before = (await ledger.load(["j-1"]))["j-1"]
    committed = await ledger.commit([Change(before, job(), Effects(settled=(("gpu", "parse"),)))])
    kept = await ledger.outbox()
    await ledger.forget(committed.entries)

    assert ([Released("j-2 1 parse", b"parse")], ["j-2 1 parse"]) == (committed.released, committed.entries)
    assert ({"j-2 1 parse": b"parse"}, {}) == (kept, await ledger.outbox())
    assert {"gpu": Pending(1, 0)} == await ledger.pending()


async def test_settling_twice_frees_once(ledger: WipeableLedger) -> None:
    """Credit comes back once, however often an ask is settled."""
    await request(ledger, "j-1", "j-2", "j-3")

    assert (["j-2"], [], ["j-3"]) == (
        await settle(ledger, "j-1"),
        await settle(ledger, "j-1"),
        await settle(ledger, "j-2"),
    )


async def test_refused_change_touches_no_credit(ledger: WipeableLedger) -> None:
    """A change that is not written neither asks, settles, fences nor pauses."""
    await request(ledger, "j-1", "j-2")
    stale = Change(
        Versioned(job(), 7),
        job(),
        Effects(settled=(("gpu", "parse"),), fence=9, hold=True),
        asks=[ask("embed")],
        outbox=b"x",
    )
    committed = await ledger.commit([stale])

    assert ([False], [[False]], [], []) == (
        committed.written,
        committed.granted,
        committed.released,
        committed.entries,
    )
    assert {"gpu": Pending(1, 1)} == await ledger.pending()
    assert ControlState(paused=False, fences={}) == await ledger.control_state("gpu", ["j-1"])


async def test_ask_of_a_new_run_takes_the_old_ones_place(ledger: WipeableLedger) -> None:
    """A stage that is settled and asked anew in one change has one ask."""
    await request(ledger, "j-1", "j-2")
    before = (await ledger.load(["j-2"]))["j-2"]
    change = Change(before, job("j-2"), Effects(settled=(("gpu", "parse"),)), asks=[ask(priority=0)])
    await ledger.commit([change])

    assert {"gpu": Pending(1, 1)} == await ledger.pending()
    assert ["j-2"] == await settle(ledger, "j-1")
    assert "j-2 2 parse" in await ledger.outbox()


async def test_priority_and_arrival(ledger: WipeableLedger) -> None:
    """A tenant's asks are released by priority, and by arrival within one."""
    await request(ledger, "first")
    await request(ledger, "low-1", "low-2", priority=2)
    await request(ledger, "normal-2", "normal-1", priority=1)
    await request(ledger, "high", priority=0)
    order = ["high", "normal-2", "normal-1", "low-1", "low-2"]

    assert order == await settle(ledger, "first", *order)


async def test_windows_are_the_services(ledger: WipeableLedger) -> None:
    """Each service has a window of its own; a wider one is used as soon as it is released."""
    asks = [[ask("parse"), ask("index", service="index")] for _ in range(3)]
    changes = [new(job(f"j-{number}"), asks=each) for number, each in enumerate(asks)]
    await ledger.configure({"index": 2}, default_window=1)
    granted = (await ledger.commit(changes)).granted
    await ledger.configure({"index": 2}, default_window=9)

    assert [[True, True], [False, True], [False, False]] == granted
    assert (["j-1", "j-2"], [], []) == (
        jobs_of(await ledger.release(["gpu"])),
        await ledger.release(["index"]),
        await ledger.release([]),
    )


async def test_narrower_window(ledger: WipeableLedger) -> None:
    """A window that shrinks takes nothing back; nothing is released until less is in flight."""
    await ledger.configure({}, default_window=3)
    await request(ledger, "j-1", "j-2", "j-3", "j-4")
    await ledger.configure({}, default_window=1)

    assert [[], [], ["j-4"]] == [await settle(ledger, f"j-{number}") for number in (1, 2, 3)]


async def test_sent_asks_take_up_credit(ledger: WipeableLedger) -> None:
    """What was sent before a rebuild takes up credit, even beyond the window, and is not sent again."""
    changes = [new(job(f"j-{number}"), asks=[ask(sent=True)]) for number in (1, 2)]
    committed = await ledger.commit(changes)

    assert ([[False], [False]], {}) == (committed.granted, await ledger.outbox())
    assert ({"gpu": Pending(2, 0)}, [False]) == (await ledger.pending(), await request(ledger, "j-3"))
    assert [[], ["j-3"]] == [await settle(ledger, "j-1"), await settle(ledger, "j-2")]


@pytest.mark.parametrize("scope", ["stage:gpu", "drain:gpu", "tenant:public"])
async def test_paused_scope_gets_nothing(ledger: WipeableLedger, scope: str) -> None:
    """Nothing goes out for a paused scope; what it has asked goes out in order once it is resumed."""
    await ledger.configure({}, default_window=9)
    await ledger.pause(scope)
    granted = await request(ledger, "j-1", "j-2")
    paused = (await ledger.paused(), await ledger.release())
    await ledger.resume(scope)

    assert ([False, False], ({scope}, [])) == (granted, paused)
    assert (["j-1", "j-2"], frozenset()) == (jobs_of(await ledger.release()), await ledger.paused())


async def test_paused_tenant_does_not_stand_in_the_way(ledger: WipeableLedger) -> None:
    """Others get their credit while a tenant that asked before them is paused."""
    await ledger.pause("tenant:acme")
    await request(ledger, "a-1", tenant="acme")
    committed = await ledger.commit([new(job("b-1"), asks=[ask()])])

    assert ["b-1"] == jobs_of(committed.released)
    assert {"gpu": Pending(1, 1)} == await ledger.pending()


async def test_stage_service_learns_of_its_pause(ledger: WipeableLedger) -> None:
    """A stage service has to stop when its stage is paused, and not when it is drained or another is paused."""
    await ledger.pause("stage:gpu")
    await ledger.pause("drain:index")

    assert (True, False, False) == (
        (await ledger.control_state("gpu", [])).paused,
        (await ledger.control_state("index", [])).paused,
        (await ledger.control_state("chunk", [])).paused,
    )


async def test_paused_job(ledger: WipeableLedger) -> None:
    """A paused job's asks are released neither from before nor from after its pause, and keep their places."""
    await request(ledger, "j-0", "j-1", "j-2")
    await move(ledger, "j-1", change={"paused": True}, effects=Effects(hold=True))
    await move(ledger, "j-1", change={}, asks=[ask("embed")])
    while_paused = await settle(ledger, "j-0", "j-2")
    parked = await ledger.admission("gpu", "j-1", "parse")
    resumed = (await ledger.load(["j-1"]))["j-1"]
    committed = await ledger.commit([Change(resumed, job("j-1"), Effects(hold=False))])

    assert (["j-2"], Held(True, None, 0, 1, ["job:j-1"])) == (while_paused, parked)
    assert [Released("j-1 1 parse", b"parse")] == committed.released
    assert Held(True, 0, 1, 1, []) == await ledger.admission("gpu", "j-1", "embed")


async def test_cancelled_job(ledger: WipeableLedger) -> None:
    """A cancelled job's held asks are gone, and the stage services learn until where its work is void."""
    await request(ledger, "j-1", "j-2", "j-3")
    await move(ledger, "j-2", change={"status": JobStatus.CANCELLED, "sequence": 5}, effects=Effects(fence=5))

    assert ControlState(paused=False, fences={"j-2": 5}) == await ledger.control_state("gpu", ["j-1", "j-2", "unknown"])
    assert ({"gpu": Pending(1, 1)}, ["j-3"]) == (await ledger.pending(), await settle(ledger, "j-1"))


async def test_fence_is_forgotten(ledger: WipeableLedger, redis: Redis, prefix: str) -> None:
    """A fence stays for a week."""
    await request(ledger, "j-1")
    await move(ledger, "j-1", change={}, effects=Effects(fence=5))

    assert 7 * 24 * 3600 >= await redis.ttl(f"{prefix}fence:j-1") > 7 * 24 * 3600 - 600


async def test_cancelled_and_started_again_at_once(ledger: WipeableLedger) -> None:
    """One change may void what was asked and ask anew: the new ask stands behind the fence."""
    await request(ledger, "j-1", "j-2")
    await move(ledger, "j-2", change={"sequence": 8}, effects=Effects(fence=5), asks=[ask("embed")])

    assert ControlState(paused=False, fences={"j-2": 5}) == await ledger.control_state("gpu", ["j-2"])
    assert {"gpu": Pending(1, 1)} == await ledger.pending()
    assert Held(True, 0, 1, 1, []) == await ledger.admission("gpu", "j-2", "embed")


async def test_why_an_ask_is_held(ledger: WipeableLedger) -> None:
    """What is known of an ask: whether it is held, how many go before it, and what pauses it."""
    await request(ledger, "j-0", "j-1", "j-2")
    await ledger.pause("tenant:public")
    await ledger.pause("drain:gpu")

    assert Held(True, 1, 1, 1, ["drain:gpu", "tenant:public"]) == await ledger.admission("gpu", "j-2", "parse")
    assert Held(False, None, 1, 1, ["drain:gpu"]) == await ledger.admission("gpu", "j-0", "parse")
    assert Held(False, None, 0, 1, []) == await ledger.admission("index", "j-0", "index")


async def test_window_that_nobody_configured(ledger: WipeableLedger) -> None:
    """Without settings a service has a window, and explain says the same as the commit does."""
    await ledger.wipe()
    window = (await ledger.admission("gpu", "j-0", "parse")).window
    granted = await request(ledger, *(f"j-{number}" for number in range(window + 1)))

    assert [True] * window + [False] == granted
