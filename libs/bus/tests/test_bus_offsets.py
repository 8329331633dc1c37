"""How far partitions may be committed, whatever order records end in."""

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from medkg_bus.offsets import Offsets
from medkg_contracts.records import Record

ASSIGNED = [TopicPartition("t", number) for number in range(2)]


def record(partition: int, offset: int) -> Record:
    return Record("t", partition, offset, 0, None, None, [])


def taken(*records: Record) -> Offsets:
    offsets = Offsets()
    offsets.taken(records)
    return offsets


def test_a_record_in_work_holds_its_partition() -> None:
    """What is done behind a record in work is not committed; other partitions are."""
    records = [record(0, 5), record(0, 6), record(0, 7), record(1, 3)]
    offsets = taken(*records)
    offsets.finished([records[0], records[2], records[3]])

    assert {ASSIGNED[0]: 6, ASSIGNED[1]: 4} == offsets.to_commit(ASSIGNED)
    offsets.committed({ASSIGNED[0]: 6, ASSIGNED[1]: 4})
    assert {} == offsets.to_commit(ASSIGNED)
    offsets.finished([records[1]])
    assert {ASSIGNED[0]: 8} == offsets.to_commit(ASSIGNED)


def test_what_others_have_is_not_committed() -> None:
    """Partitions that are not assigned any more are left to whoever has them."""
    records = [record(0, 5), record(1, 3)]
    offsets = taken(*records)
    offsets.finished(records)

    assert {ASSIGNED[1]: 4} == offsets.to_commit(ASSIGNED[1:])


def test_a_batch_of_before_ends_without_effect() -> None:
    """After partitions were shared anew, the end of what was in work before commits nothing."""
    before = record(0, 5)
    offsets = taken(before)
    offsets.forget()
    offsets.taken([record(0, 2)])
    offsets.finished([before])

    assert ({}, 1) == (offsets.to_commit(ASSIGNED), offsets.in_work)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["take", "finish"]), st.integers(0, 9)), max_size=60),
)
def test_no_commit_passes_a_record_in_work(steps: list[tuple[int, str, int]]) -> None:
    """In whichever order records come and end, each partition may be committed up to its first that is in work."""
    offsets = Offsets()
    work: list[set[int]] = [set(), set()]
    following = [0, 0]
    for partition, step, number in steps:
        if step == "take":
            offset = following[partition]
            following[partition] += 1
            work[partition].add(offset)
            offsets.taken([record(partition, offset)])
        else:
            work[partition].discard(number)
            offsets.finished([record(partition, number)])
        safe = {place: min(work[at], default=following[at]) for at, place in enumerate(ASSIGNED)}
        committable = offsets.to_commit(ASSIGNED)

        assert {place: offset for place, offset in safe.items() if offset} == committable
        assert sum(map(len, work)) == offsets.in_work
