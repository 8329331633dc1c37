"""Bulk requests and their answers, without a server."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import IndexMissing, IndexUnavailable, InvalidDocument
from medkg_search.bulk import Operation, Written, outcome, requests


def write(number: int, text: str = "") -> Operation:
    return Operation("index", "medkg-a-chunks", f"c{number}", {"text": text})


@given(st.lists(st.integers(0, 300), max_size=30))
@settings(max_examples=100, deadline=None)
def test_bodies_are_bounded_and_keep_the_order(sizes: list[int]) -> None:
    """No body of several operations passes the limit, and together they hold every operation in order."""
    operations = [write(number, "x" * size) for number, size in enumerate(sizes)]
    sent = list(requests(operations, limit=500))
    assert operations == [operation for held, _ in sent for operation in held]
    assert all(len(body) <= 500 or len(held) == 1 for held, body in sent)
    assert b"".join(one.encode() for one in operations) == b"".join(body for _, body in sent)


def test_a_write_never_makes_an_index() -> None:
    """A write demands the alias, and a compare-and-set names the write that it expects."""
    operation = Operation("index", "medkg-a-documents", "m", {}, Written(7, 2))
    expected = {
        "index": {
            "_index": "medkg-a-documents", "_id": "m", "require_alias": True, "if_seq_no": 7, "if_primary_term": 2,
        }
    }  # fmt: skip
    assert expected == orjson.loads(operation.encode().splitlines()[0])


def failure(status: int, kind: str) -> dict[str, Any]:
    return {"index": {"_id": "c0", "status": status, "error": {"type": kind, "reason": "because"}}}


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (400, "mapper_parsing_exception", InvalidDocument),
        (403, "cluster_block_exception", IndexUnavailable),
        (400, "index_closed_exception", IndexUnavailable),
        (404, "index_not_found_exception", IndexMissing),
        (409, "version_conflict_engine_exception", IndexUnavailable),
        (429, "rejected_execution_exception", IndexUnavailable),
        (503, "unavailable_shards_exception", IndexUnavailable),
    ],
)
def test_a_failed_item_has_a_named_error(status: int, kind: str, expected: type[Exception]) -> None:
    """Only a record that OpenSearch cannot read is the document's fault; all else is worth another try."""
    found = outcome(write(0), failure(status, kind))
    assert expected is type(found.error)
    assert f"index c0 in medkg-a-chunks: {kind}: because (status {status})" == str(found.error)


def test_deleting_what_is_gone_is_no_failure() -> None:
    """A delete that finds nothing has no error and removed nothing."""
    item = {"delete": {"_id": "c", "status": 404, "result": "not_found", "_seq_no": 1, "_primary_term": 1}}
    found = outcome(Operation("delete", "medkg-a-chunks", "c"), item)
    assert (None, False) == (found.error, found.removed)
