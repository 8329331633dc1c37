"""Records whose header names are not UTF-8, as Kafka hands them over."""

import struct

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from medkg_bus import clients
from medkg_bus.lenient import LenientRecords

#: Where a batch's checksum stands, and where what it covers begins.
CHECKSUM, COVERED = 17, 21


def batch(names: list[str]) -> bytes:
    """A batch with a record for each name of a header; ``????`` becomes four bytes that are no UTF-8."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    for number, name in enumerate(names):
        key = b"key-%d" % number
        builder.append(number, timestamp=1, key=key, value=b"v", headers=[(name, b"1"), ("after", None)])
    raw = bytearray(bytes(builder.build()).replace(b"????", b"\xff\xfe\xff\xfe"))
    struct.pack_into(">I", raw, CHECKSUM, calc_crc32c(bytes(raw[COVERED:])))
    return bytes(raw)


def read(data: bytes) -> list[tuple[bytes, list[tuple[str, bytes | None]]]]:
    """Key and headers of every record."""
    records = LenientRecords(data)
    found = []
    while records.has_next():
        found += [(record.key, list(record.headers)) for record in records.next_batch()]
    return found


def test_aiokafka_breaks_off_at_such_a_name() -> None:
    """What this module is for: once aiokafka's own reader takes such a record, it is no more needed."""
    records = MemoryRecords(batch(["????"]))

    with pytest.raises(UnicodeDecodeError):
        list(records.next_batch())


@pytest.mark.parametrize("names", [["????"], ["good", "????", "fine"], ["????", "????"]])
def test_every_record_comes_once_and_in_order(names: list[str]) -> None:
    """A record with such a name comes like all others, in every batch of a fetch, its bytes escaped."""
    shown = [name.replace("????", r"\xff\xfe\xff\xfe") for name in names]
    expected = [(b"key-%d" % number, [(name, b"1"), ("after", None)]) for number, name in enumerate(shown)]

    assert expected * 2 == read(batch(names) * 2)


def test_a_batch_keeps_its_own_attributes() -> None:
    """What aiokafka asks a batch for is answered as ever."""
    found = LenientRecords(batch(["good", "????"])).next_batch()

    assert found.validate_crc()
    assert (0, 2, False) == (found.base_offset, found.next_offset, found.is_control_batch)


def test_a_batch_gives_its_records_one_by_one() -> None:
    """A marker that ends a transaction is the only record of its batch, and asked for as such."""
    assert b"key-0" == next(LenientRecords(batch(["good", "????"])).next_batch()).key


def test_consumers_read_leniently() -> None:
    """Whoever has our Kafka clients reads this way."""
    assert clients.lenient.LenientRecords is fetcher.MemoryRecords
