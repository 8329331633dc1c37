"""Tenants that share a stage service: each gets its share, however much another has asked."""

import pytest
from medkg_ledger import Change, Effects, Pending
from medkg_ledger.store import Ledger

from .records import ask, job, jobs_of, move, new, request, settle

pytestmark = pytest.mark.integration

WINDOW = 8


def names(tenant: str, number: int) -> list[str]:
    """Ids of a tenant's jobs."""
    return [f"{tenant}-{each}" for each in range(number)]


async def releases(ledger: Ledger, number: int, *first: str) -> str:
    """Settle so many asks, first these and then always the one released last; the tenants that were released."""
    released = list(first)
    for position in range(number):
        released += await settle(ledger, released[position])
    return "".join(job_id[0] for job_id in released[len(first) :])


async def test_hundred_thousand_asks_of_another_tenant(ledger: Ledger) -> None:
    """A single ask of a tenant is the next to go out, although another tenant has 100,000 waiting before it."""
    await ledger.configure({}, default_window=WINDOW)
    nodes = [f"n-{number:03d}" for number in range(1000)]
    asks = [ask(node, tenant="acme", priority=0) for node in nodes]
    for number in range(100):
        await ledger.commit([new(job(f"a-{number}", tenant_id="acme"), asks=asks)])
    await move(ledger, "a-0", change={}, effects=Effects(settled=(("gpu", "n-000"),)))
    granted = await request(ledger, "b-1", tenant="beta", priority=2)
    pending = await ledger.pending()
    before = (await ledger.load(["a-0"]))["a-0"]
    settling = Change(
        before, job("a-0", tenant_id="acme"), Effects(settled=tuple(("gpu", node) for node in nodes[1:4]))
    )

    assert ([False], {"gpu": Pending(WINDOW, 100_000 - WINDOW)}) == (granted, pending)
    assert ["b-1", "a-0", "a-0"] == jobs_of((await ledger.commit([settling])).released)


async def test_shares_follow_the_weights(ledger: Ledger) -> None:
    """Of tenants that always have something waiting, one of weight 3 gets three times as much."""
    await ledger.configure({}, default_window=1, weights={"acme": 3})
    await request(ledger, *names("a", 31), tenant="acme")
    await request(ledger, *names("b", 31), tenant="beta")

    assert "abaa" * 8 == await releases(ledger, 32, "a-0")


async def test_queue_of_another_tenant_when_weights_were_made_equal(ledger: Ledger) -> None:
    """A single ask waits for at most a window of another tenant's, also right after the weights were made equal."""
    await ledger.configure({}, default_window=WINDOW, weights={"acme": 100})
    await request(ledger, *names("a", 300), tenant="acme")
    await request(ledger, "b-0", tenant="beta")
    first = await settle(ledger, "a-0", "a-1")
    await request(ledger, "b-1", tenant="beta")
    await ledger.configure({}, default_window=WINDOW, weights={"acme": 100, "beta": 100})
    then = await settle(ledger, *(f"a-{number}" for number in range(2, WINDOW)))

    assert "b-0" in first
    assert "b-1" in then


async def test_raised_weight_counts_from_the_next_release_on(ledger: Ledger) -> None:
    """A tenant whose last release was charged by a small weight has the share of its new one at once."""
    await ledger.configure({}, default_window=1)
    await request(ledger, *names("a", 30), tenant="acme")
    await request(ledger, *names("b", 30), tenant="beta")
    before = await releases(ledger, 1, "a-0")
    await ledger.configure({}, default_window=1, weights={"acme": 4})

    assert ("a", "baaaabaaaa") == (before, await releases(ledger, 10, "a-1"))


async def test_weights_that_stay_change_nothing(ledger: Ledger) -> None:
    """Settings that are written again with the same weights, as when a router starts, leave everybody in place."""
    await ledger.configure({}, default_window=1, weights={"acme": 3})
    await request(ledger, *names("a", 31), tenant="acme")
    await request(ledger, *names("b", 31), tenant="beta")
    order, last = "", "a-0"
    for _ in range(32):
        await ledger.configure({}, default_window=1, weights={"acme": 3})
        [last] = await settle(ledger, last)
        order += last[0]

    assert "abaa" * 8 == order


async def test_tenant_that_was_paused_catches_nothing_up(ledger: Ledger) -> None:
    """A tenant that is resumed shares from now on; it is not given what it has missed."""
    await ledger.configure({}, default_window=1)
    await request(ledger, *names("a", 30), tenant="acme")
    await request(ledger, *names("b", 30), tenant="beta")
    await ledger.pause("tenant:beta")
    alone = await releases(ledger, 10, "a-0")
    await ledger.resume("tenant:beta")

    assert ("a" * 10, "bababababa") == (alone, await releases(ledger, 10, "a-10"))


async def test_tenant_that_comes_later_catches_nothing_up(ledger: Ledger) -> None:
    """A tenant that begins to ask shares from then on."""
    await ledger.configure({}, default_window=1)
    await request(ledger, *names("a", 30), tenant="acme")
    await releases(ledger, 10, "a-0")
    await request(ledger, *names("b", 30), tenant="beta")

    assert "bababababa" == await releases(ledger, 10, "a-10")


async def test_coming_and_going_gains_nothing(ledger: Ledger) -> None:
    """A tenant that asks one by one gets no more than one that has asked all at once."""
    await ledger.configure({}, default_window=1)
    await request(ledger, *names("a", 30), tenant="acme")
    order, last = "", "a-0"
    for number in range(10):
        await request(ledger, f"b-{number}", tenant="beta")
        for _ in range(2):
            [last] = await settle(ledger, last)
            order += last[0]

    assert 10 == order.count("b")
    assert "bb" not in order


async def test_every_tenant_has_its_turn(ledger: Ledger) -> None:
    """A tenant's first ask waits for at most one of each other tenant's."""
    await ledger.configure({}, default_window=0)
    tenants = [f"tenant-{number}" for number in range(20)]
    for tenant in tenants:
        await request(ledger, *(f"{tenant}:{number}" for number in range(3)), tenant=tenant)
    await ledger.configure({}, default_window=20)
    first_round = jobs_of(await ledger.release())

    assert sorted(f"{tenant}:0" for tenant in tenants) == sorted(first_round)
