"""Several parts answer as one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import SearchUnavailable
from medkg_search_service.nearest import NearestQuestion
from medkg_search_service.shards import Shards

from .fakes import MODEL, TENANT, FakePart, Record

VECTOR = np.array([1.0, 0.0], "<f4").tobytes()


def question(k: int) -> NearestQuestion:
    return NearestQuestion(tenant=TENANT, model=MODEL, vector=VECTOR, k=k)


def split(records: list[Record], count: int) -> list[FakePart]:
    """The same records over so many parts."""
    return [
        FakePart(records, number, count, owns=lambda document, number=number: int(document) % count == number)
        for number in range(count)
    ]


def of(parts: list[FakePart], count: int | None = None) -> Shards:
    return Shards(parts[0], parts[1:], count or len(parts), timeout_s=0.05)


records = st.lists(
    st.builds(Record, st.integers(0, 50).map(str), vector=st.tuples(st.integers(-4, 4).map(float), st.just(0.0))),
    unique_by=lambda record: record.document_id,
)


@given(records, st.integers(1, 20))
async def test_three_parts_find_what_one_finds(found: list[Record], k: int) -> None:
    """The nearest are the same in the same order, and so is whether there are more."""
    assert await of(split(found, 1)).nearest(question(k)) == await of(split(found, 3)).nearest(question(k))


@given(records)
async def test_three_parts_know_the_versions_that_one_knows(found: list[Record]) -> None:
    """What is visible does not depend on who has it."""
    documents = [str(number) for number in range(50)]

    assert await of(split(found, 1)).visible(TENANT, documents) == await of(split(found, 3)).visible(TENANT, documents)


async def test_a_part_that_is_down_is_named() -> None:
    """The others' hits are given, with the reason why some are missing."""
    parts = split([Record("0"), Record("1")], 2)
    parts[1].error = SearchUnavailable("connection refused")
    nearest = await of(parts).nearest(question(5))
    decided = await of(parts).visible(TENANT, ["0", "1"])

    assert ([Record("0").id], [parts[1].error]) == ([record for record, _ in nearest.hits], nearest.missing)
    assert ({"0": "v1"}, {"1"}) == (decided.visibility.versions, decided.visibility.undecided)
    assert [parts[1].error] == decided.missing


async def test_a_part_that_hangs_is_waited_for_in_vain_only_so_long() -> None:
    """A peer has its time limit."""
    parts = split([Record("0"), Record("1")], 2)
    parts[1].hangs = True
    nearest = await of(parts).nearest(question(5))

    assert ["part 1 did not answer within 0.05 s"] == [str(error) for error in nearest.missing]


async def test_a_dead_node_is_not_missed_while_another_has_its_part() -> None:
    """Of two nodes with one part, one is enough."""
    first, second = split([Record("0"), Record("1")], 2)
    dead = FakePart([], 1, 2, error=SearchUnavailable("gone"))
    nearest = await of([first, dead, second], 2).nearest(question(5))

    assert (2, ()) == (len(nearest.hits), nearest.missing)


async def test_two_nodes_with_one_part_give_a_hit_once() -> None:
    """Replicas do not double what they find."""
    part, other = FakePart([Record("0")]), FakePart([Record("0")])
    nearest = await of([part, other], 1).nearest(question(5))

    assert [(Record("0").id, 1.0)] == nearest.hits


async def test_a_part_that_nobody_has_is_named() -> None:
    """A deployment that lacks a node says so instead of looking whole."""
    (part, _) = split([Record("0"), Record("1")], 2)
    nearest = await of([part], 2).nearest(question(5))
    decided = await of([part], 2).visible(TENANT, ["1"])

    assert ["no search node has part 1 of the vectors' view"] == [str(error) for error in nearest.missing]
    assert "MK_SEARCH_PEERS" in decided.missing[0].info.remedy


async def test_a_node_that_counts_other_parts_is_refused() -> None:
    """Parts of a view that is cut otherwise would overlap, or leave gaps."""
    parts = [*split([Record("0")], 2)[:1], FakePart([Record("1")], 1, 3)]
    nearest = await of(parts, 2).nearest(question(5))

    assert ["part 1 has part 1 of 3; here there are 2"] == [str(error) for error in nearest.missing]


async def test_what_this_node_knows_is_asked_of_no_other() -> None:
    """Most documents of a search are its own; their versions cost no request."""
    parts = split([Record("0"), Record("2")], 2)
    await of(parts).visible(TENANT, ["0", "2"])

    assert [] == parts[1].asked
