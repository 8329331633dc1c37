"""Records of the system before medkg become jobs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidInput
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState, JobStatus
from medkg_operations.migrate.old_job import migrated

OLD = {
    "job_id": "old-1",
    "dataset": "ctgov",
    "item": {"id": "NCT05814159"},
    "metadata": {},
    "status": "completed",
    "created_at": "2024-05-01T10:00:00Z",
    "updated_at": 1_714_557_700.5,
    "attempts": 2,
}


def state(**fields: Any) -> JobState:
    return migrated(json.dumps({**OLD, **fields}).encode())


def test_fields_have_the_old_migrations_defaults():
    """What the old system's own migration added has its defaults."""
    job = state()
    assert (None, "auto", {}) == (job.current_stage, job.pipeline_name, job.retry_count_per_stage)
    assert ("public", "ctgov:NCT05814159", 0) == (job.tenant_id, job.doc_id, job.sequence)


def test_fields_that_are_there_are_kept():
    """A record that has been through the old migration keeps what it says."""
    fields = {
        "current_stage": "chunk",
        "pipeline_name": "mine",
        "retry_count_per_stage": {"chunk": 2},
        "tenant_id": "acme",
    }
    job = state(**fields)
    assert fields == {name: getattr(job, name) for name in fields}


@pytest.mark.parametrize(
    ("fields", "pipeline"),
    [
        ({}, "auto"),
        ({"metadata": {"pdf_url": "http://x"}}, "pdf-two-phase"),
        ({"metadata": {"pdf_url": None}}, "pdf-two-phase"),
        *(({"dataset": name}, "pdf-two-phase") for name in ("pmc-fulltext", "unpaywall", "core")),
        ({"dataset": "openalex"}, "auto"),
    ],
)
def test_the_pipeline_is_inferred(fields, pipeline):
    """A document that has or is known to have a PDF file belongs to that pipeline, and any other to its source's."""
    job = state(**fields)
    assert pipeline == job.pipeline_name
    assert isinstance(job.request, JobRequest)
    assert (None if pipeline == "auto" else pipeline) == job.request.topology


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("queued", JobStatus.FAILED, "in_flight_elsewhere"),
        ("running", JobStatus.FAILED, "in_flight_elsewhere"),
        ("processing", JobStatus.FAILED, "in_flight_elsewhere"),
        ("completed", JobStatus.COMPLETED, None),
        ("succeeded", JobStatus.COMPLETED, None),
        ("failed", JobStatus.FAILED, "error"),
        ("cancelled", JobStatus.CANCELLED, None),
    ],
)
def test_old_words_for_states(word, status, code):
    """Each old word has its state; a job that had not ended has failed here, and can be run."""
    job = state(status=word)
    assert (status, code) == (job.status, job.error.code if job.error else None)
    assert JobRequest(source="ctgov", id="NCT05814159") == job.request


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ("no such study", "error", "no such study"),
        ({"code": "timeout", "message": "too slow"}, "timeout", "too slow"),
        (None, "error", "the old system gave no reason"),
    ],
)
def test_an_old_error_is_kept(error, code, message):
    """Why a job failed there is kept, whether it was text or had a code."""
    job = state(status="failed", error=error)
    assert job.error is not None
    assert (code, message) == (job.error.code, job.error.message)


@pytest.mark.parametrize(
    ("fields", "times"),
    [
        ({}, (1_714_557_600_000, 1_714_557_700_500)),
        ({"created_at": 1_714_557_600}, (1_714_557_600_000, 1_714_557_700_500)),
        ({"created_at": "2024-05-01T12:00:00+02:00", "updated_at": None}, (1_714_557_600_000,) * 2),
        ({"created_at": "2024-05-01T10:00:00", "updated_at": None}, (1_714_557_600_000,) * 2),
        ({"created_at": None}, (1_714_557_700_500,) * 2),
    ],
)
def test_times_are_read_in_either_form(fields, times):
    """A time is RFC 3339, UTC if it has no offset, or seconds since 1970; one that is missing is the other."""
    job = state(**fields)
    assert times == (job.created_at, job.updated_at)


@pytest.mark.parametrize(
    ("fields", "doc_id"),
    [
        ({"item": {"id": 17}}, "ctgov:17"),
        ({"item": {}, "doc_id": "NCT1"}, "ctgov:NCT1"),
        ({"item": {}, "doc_id": "ctgov:NCT1"}, "ctgov:NCT1"),
        ({"item": {}, "dataset": None, "doc_id": "pmc:PMC:1"}, "pmc:PMC:1"),
    ],
)
def test_the_document_is_found(fields, doc_id):
    """The document is named by dataset and item, or by doc_id with or without its source."""
    assert doc_id == state(**fields).doc_id


def test_metadata_become_text():
    """Metadata travel with the job as text; what is none is written as JSON."""
    request = state(metadata={"title": "T", "year": 2024, "tags": ["a"]}).request
    assert isinstance(request, JobRequest)
    assert {"title": "T", "year": "2024", "tags": '["a"]'} == request.metadata


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"job_id": "no spaces"}, "job_id: "),
        ({"tenant_id": "ACME"}, "tenant_id: "),
        ({"status": "lost"}, "status: 'lost' is none of queued, running"),
        ({"status": None}, "status: "),
        ({"created_at": "yesterday"}, "created_at: "),
        ({"created_at": True}, "created_at: "),
        ({"created_at": 1e300}, "created_at: "),
        ({"created_at": None, "updated_at": None}, "created_at: the record has no time"),
        ({"dataset": "No Dataset"}, "source: "),
        ({"item": {}}, "names no document"),
        ({"item": {"id": ""}}, "id: "),
        ({"metadata": {"abstract": "x" * 2000}}, "metadata.abstract: "),
        ({"retry_count_per_stage": {"parse": "often"}}, "retry_count_per_stage.parse: "),
    ],
)
def test_a_bad_record_is_refused_by_field(fields, reason):
    """What is no job is refused, and the reason names the field."""
    with pytest.raises(InvalidInput, match=reason):
        state(**fields)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"null", b"\xff", b'"text"'])
def test_a_line_that_is_no_record_is_refused(line):
    """A line that is not a JSON object is refused."""
    with pytest.raises(InvalidInput):
        migrated(line)


@given(
    st.dictionaries(
        st.sampled_from([*OLD, "doc_id", "tenant_id", "error", "pipeline_name", "current_stage"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
            max_leaves=4,
        ),
    )
)
def test_any_record_is_a_job_or_refused(fields):
    """Whatever a record holds, it becomes a job or is refused, and nothing else happens."""
    try:
        job = state(**fields)
    except InvalidInput:
        return
    assert job == JobState.model_validate_json(job.model_dump_json())
