"""Listings: filters, order, and pages that hold while the ledger changes."""

import asyncio
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidRequest
from medkg_ledger import JobState, JobStatus
from medkg_ledger.wiping import WipeableLedger

from .interruptions import BusyRedis
from .records import NOW, end, ids_of, job, listing, move, write

pytestmark = pytest.mark.integration

NAMES = [f"j-{number:02d}" for number in range(25)]


def same_moment() -> list[JobState]:
    """Jobs that were all created in one millisecond."""
    return [job(name) for name in NAMES]


async def test_newest_first(ledger: WipeableLedger) -> None:
    """A listing goes from the newest job to the oldest."""
    await write(ledger, *(job(name, created_at=NOW + number) for number, name in enumerate(NAMES)))

    assert NAMES[::-1] == await listing(ledger, 10)


@pytest.mark.parametrize("limit", [1, 4, 24, 25, 26])
async def test_jobs_of_one_moment(ledger: WipeableLedger, limit: int) -> None:
    """Jobs of one millisecond come in the order of their ids, each once, however long the pages are."""
    await write(ledger, *same_moment())

    assert NAMES[::-1] == await listing(ledger, limit)


async def test_empty_ledger(ledger: WipeableLedger) -> None:
    """A ledger without jobs has one page without jobs."""
    page = await ledger.jobs({})

    assert ([], None) == (page.jobs, page.cursor)


async def test_last_page_has_no_cursor(ledger: WipeableLedger) -> None:
    """The cursor says whether there may be more."""
    await write(ledger, *same_moment())
    first = await ledger.jobs({}, limit=20)
    last = await ledger.jobs({}, limit=20, cursor=first.cursor)

    assert ("1750000000000:j-05", None) == (first.cursor, last.cursor)


async def test_each_job_is_had_without_pages(ledger: WipeableLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """All jobs that fit come one after the other, each once, however many pages they fill."""
    monkeypatch.setattr("medkg_ledger.listing.PAGE", 4)
    await write(ledger, *same_moment(), job("j-other", tenant_id="acme"))

    assert NAMES[::-1] == [state.job_id async for state in ledger.each_job({"tenant": "public"})]


async def test_filters_are_combined(ledger: WipeableLedger) -> None:
    """A job is listed when all filters fit it."""
    await write(
        ledger,
        job("j-1", tenant_id="acme", pipeline_name="trials"),
        job("j-2", tenant_id="acme", pipeline_name="papers"),
        job("j-3", tenant_id="public", pipeline_name="trials"),
        job("j-4", tenant_id="acme", pipeline_name="trials", current_stage="parse", batch_id="b-1"),
    )

    assert ["j-4", "j-1"] == await listing(ledger, 1, tenant="acme", pipeline="trials")
    assert ["j-4"] == await listing(ledger, 9, tenant="acme", state="running", stage="parse", batch="b-1")
    assert [] == await listing(ledger, 9, tenant="acme", state="failed")


async def test_added_jobs_do_not_disturb(ledger: WipeableLedger) -> None:
    """Jobs that are added between two pages neither repeat nor displace what is still to come."""
    await write(ledger, *same_moment())
    first = await ledger.jobs({}, limit=10)
    await write(ledger, job("j-99"), job("j-newer", created_at=NOW + 5))
    second = await ledger.jobs({}, limit=100, cursor=first.cursor)

    assert NAMES[::-1] == ids_of([*first.jobs, *second.jobs])


async def test_jobs_that_leave_do_not_disturb(ledger: WipeableLedger) -> None:
    """Jobs that leave the listing between two pages take no other job with them."""
    await write(ledger, *same_moment())
    first = await ledger.jobs({"state": "running"}, limit=10)
    await end(ledger, *NAMES[12:])
    second = await ledger.jobs({"state": "running"}, limit=100, cursor=first.cursor)

    assert NAMES[11::-1] == ids_of(second.jobs)


async def test_job_of_the_cursor_may_leave(ledger: WipeableLedger) -> None:
    """A cursor holds although its job is no longer in the listing."""
    await write(ledger, *same_moment())
    first = await ledger.jobs({"state": "running"}, limit=10)
    await end(ledger, first.jobs[-1].job_id)
    second = await ledger.jobs({"state": "running"}, limit=100, cursor=first.cursor)

    assert NAMES[14::-1] == ids_of(second.jobs)


async def test_jobs_leave_while_a_page_is_read(redis_url: str, prefix: str, ledger: WipeableLedger) -> None:
    """Jobs that leave the listing while one page is being read take no other job with them."""
    await write(ledger, *same_moment())
    first = await ledger.jobs({"state": "running"}, limit=5)
    redis = BusyRedis.beside(redis_url, lambda: end(ledger, *ids_of(first.jobs)))
    second = await WipeableLedger(redis, prefix).jobs({"state": "running"}, limit=5, cursor=first.cursor)
    await redis.aclose(close_connection_pool=True)

    assert NAMES[19:14:-1] == ids_of(second.jobs)


async def test_jobs_come_while_a_page_is_read(redis_url: str, prefix: str, ledger: WipeableLedger) -> None:
    """Jobs that are added while one page is being read make no job come twice."""
    await write(ledger, *same_moment())
    first = await ledger.jobs({}, limit=3)
    redis = BusyRedis.beside(redis_url, lambda: write(ledger, *(job(f"j-9{number}") for number in range(7))))
    second = await WipeableLedger(redis, prefix).jobs({}, limit=5, cursor=first.cursor)
    await redis.aclose(close_connection_pool=True)

    assert NAMES[21:16:-1] == ids_of(second.jobs)


async def test_changed_job_is_listed_as_it_is(ledger: WipeableLedger) -> None:
    """A page shows a job's present state."""
    await write(ledger, job())
    written = await move(ledger, "j-1", change={"current_stage": "parse", "updated_at": NOW + 1})

    assert [written.after] == (await ledger.jobs({"stage": "parse"})).jobs


@pytest.mark.parametrize("cursor", ["", "j-1", "soon:j-1", "1.5:j-1"])
async def test_cursor_that_is_none(ledger: WipeableLedger, cursor: str) -> None:
    """A cursor that no listing gave is refused."""
    with pytest.raises(InvalidRequest, match="cursor"):
        await ledger.jobs({}, cursor=cursor)


STATES = st.builds(
    job,
    st.integers(0, 30).map(lambda number: f"j-{number}"),
    created_at=st.integers(NOW, NOW + 3),
    tenant_id=st.sampled_from(["acme", "public"]),
    status=st.sampled_from([JobStatus.RUNNING, JobStatus.FAILED]),
    batch_id=st.sampled_from([None, "b-1"]),
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "tenant": st.sampled_from(["acme", "public"]),
        "state": st.sampled_from(["running", "failed", "completed"]),
        "batch": st.just("b-1"),
    },
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    states=st.lists(STATES, unique_by=lambda state: state.job_id, max_size=25), filters=FILTERS, limit=st.integers(1, 9)
)
def test_listing_is_what_fits(redis_url: str, states: list[JobState], filters: dict[str, str], limit: int) -> None:
    """All pages together are the jobs that fit, newest first, each once."""

    async def listed() -> list[str]:
        ledger = WipeableLedger.from_url(redis_url, f"test-{uuid4().hex}:")
        await write(ledger, *states)
        ids = await listing(ledger, limit, **filters)
        await ledger.wipe()
        await ledger.close()
        return ids

    fitting = [s for s in states if {f"{name}:{value}" for name, value in filters.items()} <= set(s.index_entries())]
    newest_first = sorted(fitting, key=lambda state: (state.created_at, state.job_id), reverse=True)

    assert ids_of(newest_first) == asyncio.run(listed())
