"""The vectors' changelog: what is written is read, and what is none is refused."""

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts import topics
from medkg_contracts.changelog import (
    DocumentRemoved,
    LiveModel,
    VectorChange,
    VectorDeleted,
    VectorKey,
    VectorPut,
    VisibleVersion,
    read_change,
    write_change,
)
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.records import Record
from medkg_contracts.vectors import EmbeddingModel

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = EmbeddingModel(name="tiny", revision="a" * 64, dimension=2)
KEY = VectorKey("public", "ctgov:NCT1", "f" * 32, "a" * 12)


def record(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> Record:
    return Record(topics.VECTORS, 0, 0, 1, key, value, headers)


def there_and_back(change: VectorChange) -> VectorChange | None:
    written = write_change(change, NOW, "/medkg/index")
    return read_change(record(written.key, written.value, written.headers))


@pytest.mark.parametrize(
    "change",
    [
        VectorPut(KEY, "v1", MODEL.ref, struct.pack("<2f", 1, 2)),
        VectorDeleted(KEY),
        VisibleVersion(tenant="public", document_id="ctgov:NCT1", version="v1", order=3, chunks=2),
        DocumentRemoved("public", "ctgov:NCT1"),
        LiveModel(tenant="public", model=MODEL, order=0),
    ],
)
def test_what_is_written_is_read(change: VectorChange) -> None:
    """Each change survives its way through Kafka."""
    assert change == there_and_back(change)


@given(st.text(min_size=1, max_size=40))
def test_any_document_id_survives(document_id: str) -> None:
    """Slashes and at signs in a document's id do not confuse its key."""
    key = VectorKey("public", document_id, "f" * 32, "a" * 12)
    try:
        key.encode()
    except UnicodeEncodeError:
        return  # a lone surrogate, which no document's id has

    assert [VectorDeleted(key), DocumentRemoved("public", document_id)] == [
        there_and_back(VectorDeleted(key)),
        there_and_back(DocumentRemoved("public", document_id)),
    ]


def test_all_about_a_document_has_one_place() -> None:
    """Its vectors, what is visible of it and their tombstones go to one partition, in this order."""
    changes: list[VectorChange] = [
        VectorPut(KEY, "v1", MODEL.ref, bytes(8)),
        VisibleVersion(tenant="public", document_id="ctgov:NCT1", version="v1", order=3, chunks=2),
        VectorDeleted(KEY),
        DocumentRemoved("public", "ctgov:NCT1"),
    ]

    assert {"public/ctgov:NCT1"} == {write_change(change, NOW, "/x").place for change in changes}
    assert write_change(LiveModel(tenant="public", model=MODEL, order=0), NOW, "/x").place is None


def test_another_type_is_passed_over() -> None:
    """What a later release writes stops nobody."""
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/x"), ("ce_type", b"com.example.new")]

    assert read_change(record(b"k", b"{}", headers)) is None


@pytest.mark.parametrize(
    ("key", "value", "dropped", "reason"),
    [
        (b"public/x", bytes(8), "", "is not <tenant>/<document>/<record>@<model>"),
        (b"\xff", bytes(8), "", "not UTF-8"),
        (KEY.encode(), bytes(7), "", "7 bytes"),
        (KEY.encode(), bytes(8), "ce_version", "'version' is missing"),
        (KEY.encode(), bytes(8), "ce_id", "'id' is missing"),
    ],
)
def test_what_breaks_the_form_is_refused(key: bytes, value: bytes, dropped: str, reason: str) -> None:
    """A key, a vector or an attribute that cannot be is refused with its reason."""
    written = write_change(VectorPut(KEY, "v1", MODEL.ref, bytes(8)), NOW, "/x")
    headers = [(name, raw) for name, raw in written.headers if name != dropped]

    with pytest.raises(PoisonRecord, match=reason):
        read_change(record(key, value, headers))
