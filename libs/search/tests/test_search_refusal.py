"""What an error that OpenSearch answers means, without a server: the answers are those of OpenSearch 3.6."""

from typing import Any

import pytest
from medkg_contracts.errors import (
    ConfigurationError,
    IndexMissing,
    IndexUnavailable,
    InvalidDocument,
    InvalidRequest,
    MedkgError,
)
from medkg_search import record_refused, refused


def error(kind: str, reason: str = "because", **more: object) -> dict[str, Any]:
    return {"type": kind, "reason": reason, **more}


@pytest.mark.parametrize(
    ("status", "answer", "expected", "remedy"),
    [
        (400, error("index_closed_exception", "closed", index="x-v1"), IndexUnavailable, "/_open"),
        (403, error("cluster_block_exception", "[FORBIDDEN/8/index write (api)]"), IndexUnavailable, "Lift the block"),
        (429, error("cluster_block_exception", "[TOO_MANY_REQUESTS/12/disk usage]"), IndexUnavailable, "disk"),
        (403, error("index_create_block_exception"), IndexUnavailable, "Lift the block"),
        (404, error("index_not_found_exception"), IndexMissing, "tenant's name"),
        (409, error("version_conflict_engine_exception"), IndexUnavailable, "another writer"),
        (429, error("circuit_breaking_exception"), IndexUnavailable, "too little memory"),
        (429, error("rejected_execution_exception"), IndexUnavailable, "too much to do"),
        (429, error("opensearch_rejected_execution_exception"), IndexUnavailable, "too much to do"),
        (503, error("unavailable_shards_exception"), IndexUnavailable, "allocation/explain"),
        (503, error("process_cluster_event_timeout_exception"), IndexUnavailable, "too much to do"),
        (403, error("security_exception"), ConfigurationError, "MK_OPENSEARCH_URL"),
        (401, "Unauthorized", ConfigurationError, "MK_OPENSEARCH_URL"),
        (413, "", ConfigurationError, "http.max_content_length"),
        (400, error("validation_exception", "maximum shards open"), ConfigurationError, "cluster.max_shards_per_node"),
        (400, error("strict_dynamic_mapping_exception"), ConfigurationError, "another mapping"),
        (400, error("illegal_argument_exception", "no write index is defined"), ConfigurationError, "not to blame"),
        (400, error("of_a_later_version_exception"), ConfigurationError, "not to blame"),
        (500, error("of_a_later_version_exception"), IndexUnavailable, "OpenSearch's log"),
        (503, error("search_phase_execution_exception", root_cause=[]), IndexUnavailable, "shards that are away"),
        (502, "<html>Bad gateway", IndexUnavailable, "Check that the server runs"),
        (400, error("too_many_nested_clauses"), InvalidRequest, "shorter"),
    ],
)
def test_the_type_says_whose_fault_it_is(
    status: int, answer: dict[str, Any] | str, expected: type[MedkgError], remedy: str
) -> None:
    """What OpenSearch's state or an operator causes is retryable or a setting to correct, with what to do about it."""
    found = refused("POST /x", answer, status)

    assert expected is type(found)
    assert remedy in found.info.remedy


@pytest.mark.parametrize("kind", ["illegal_argument_exception", "of_a_later_version_exception", "x_content_exception"])
def test_an_unknown_refusal_of_a_record_does_not_blame_it(kind: str) -> None:
    """A 400 of which nothing is known is never the document's fault."""
    assert ConfigurationError is type(record_refused("index c", error(kind), 400))


@pytest.mark.parametrize(
    "answer",
    [
        error("mapper_parsing_exception", "failed to parse field [ordinal] of type [integer] in document with id 'c'"),
        error("mapper_parsing_exception", "failed to parse field [span.end] of type [integer] in document with id 'c'"),
        error("mapper_parsing_exception", "failed to parse", caused_by=error("illegal_argument_exception")),
        error("illegal_argument_exception", "immense term", caused_by=error("max_bytes_length_exceeded_exception")),
    ],
)
def test_a_record_that_cannot_be_read_is_the_documents_fault(answer: dict[str, Any]) -> None:
    """A value that a field of ours cannot hold is a fault of the document."""
    assert InvalidDocument is type(record_refused("index c", answer, 400))


@pytest.mark.parametrize(
    "reason",
    [
        "failed to parse field [document_title] of type [date] in document with id 'c'",
        "failed to parse field [span.end] of type [boolean] in document with id 'c'",
        "object mapping for [text] tried to parse field [text] as object, but found a concrete value",
    ],
)
def test_a_field_of_another_type_is_the_indexs_fault(reason: str) -> None:
    """An index that gives a field another type than medkg does was made by somebody else."""
    assert ConfigurationError is type(record_refused("index c", error("mapper_parsing_exception", reason), 400))


def test_what_holds_no_record_blames_no_document() -> None:
    """A mapping that OpenSearch cannot read is not the fault of the document that waits for its index."""
    assert ConfigurationError is type(refused("PUT /x", error("mapper_parsing_exception"), 400))


def test_a_cause_says_what_its_wrapper_does_not() -> None:
    """A failed search is what its shards failed of."""
    wrapped = error("search_phase_execution_exception", root_cause=[error("circuit_breaking_exception")])

    assert "too little memory" in refused("POST /x", wrapped, 500).info.remedy


def test_the_message_names_the_index_and_the_reason() -> None:
    """A closed index has only "closed" for a reason; the message says which index."""
    closed = error("index_closed_exception", "closed", index="medkg-a-chunks-v1")

    expected = "index c in medkg-a-chunks: index_closed_exception [medkg-a-chunks-v1]: closed (status 400)"
    assert expected == str(record_refused("index c in medkg-a-chunks", closed, 400))
