"""A job's state comes back from Redis as it was written."""

import asyncio
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.errors import ErrorInfo
from medkg_contracts.requests import JobRequest
from medkg_ledger import EarlyEvent, JobState, JobStatus, NodeState, NodeStatus
from medkg_ledger.wiping import WipeableLedger

from .records import write

TEXT = st.text(max_size=20)
NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,10}", fullmatch=True)
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True)
TIMES = st.integers(-1, 2**53)
COUNTS = st.integers(0, 2**31)
SHA256 = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
CLAIM_CHECKS = st.builds(ArtifactRef, name=NAMES, sha256=SHA256, size=COUNTS, uri=TEXT)
INLINE = st.builds(ArtifactRef, name=NAMES, sha256=SHA256, size=st.integers(0, 512), value=VALUES)
ARTIFACTS = st.dictionaries(NAMES, CLAIM_CHECKS | INLINE, max_size=3)
ERRORS = st.builds(ErrorInfo, code=TEXT, message=TEXT, retryable=st.booleans(), remedy=TEXT)
ITEMS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
REQUESTS = st.builds(
    JobRequest,
    source=NAMES,
    id=ITEMS,
    topology=st.none() | NAMES,
    until=st.none() | NAMES,
    skip_completed=st.booleans(),
    batch_id=st.none() | IDS,
    metadata=st.dictionaries(TEXT, TEXT, max_size=3),
)
BATCHES = st.builds(JobRequest, source=NAMES, ids=st.lists(ITEMS, min_size=1, max_size=3))
NODES = st.builds(
    NodeState,
    status=st.sampled_from(NodeStatus),
    epoch=COUNTS,
    started_at=st.none() | TIMES,
    ended_at=st.none() | TIMES,
    retries=COUNTS,
    skipped=st.booleans(),
    deadline=st.none() | TIMES,
    opened_by=st.none() | TEXT,
    early=st.none() | st.builds(EarlyEvent, event_id=TEXT, artifacts=ARTIFACTS, error=st.none() | ERRORS),
)
STATES = st.builds(
    JobState,
    job_id=IDS,
    tenant_id=TEXT,
    doc_id=TEXT,
    correlation_id=TEXT,
    traceparent=st.none() | TEXT,
    batch_id=st.none() | IDS,
    pipeline_name=st.none() | NAMES,
    pipeline_version=st.none() | SHA256,
    status=st.sampled_from(JobStatus),
    current_stage=st.none() | NAMES,
    until=st.none() | NAMES,
    skip_completed=st.booleans(),
    request=st.none() | REQUESTS | BATCHES | CLAIM_CHECKS,
    created_at=TIMES,
    updated_at=TIMES,
    sequence=COUNTS,
    nodes=st.dictionaries(NAMES, NODES, max_size=3),
    artifacts=ARTIFACTS,
    error=st.none() | ERRORS,
    failed_stage=st.none() | NAMES,
    retry_count_per_stage=st.dictionaries(NAMES, COUNTS, max_size=3),
)


@pytest.mark.integration
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(states=st.lists(STATES, min_size=1, max_size=3, unique_by=lambda state: state.job_id))
def test_states_come_back(redis_url: str, states: list[JobState]) -> None:
    """Whatever a state holds, it comes back equal, under its own id and in every index that it names."""

    async def back() -> list[JobState | None]:
        ledger = WipeableLedger.from_url(redis_url, f"test-{uuid4().hex}:")
        await write(ledger, *states)
        found = [await ledger.get(state.job_id) for state in states]
        entries = {entry for state in states for entry in state.index_entries()}
        listed = await ledger.counts(sorted(entries))
        assert {entry: sum(entry in state.index_entries() for state in states) for entry in entries} == listed
        await ledger.wipe()
        await ledger.close()
        return found

    assert states == asyncio.run(back())


@pytest.mark.parametrize("status", JobStatus)
def test_all_but_running_are_final(status: JobStatus) -> None:
    """A job has ended exactly when it does not run any more."""
    state = JobState(
        job_id="j-1", tenant_id="public", doc_id="d", correlation_id="c", status=status, created_at=0, updated_at=0
    )

    assert (status is not JobStatus.RUNNING) == state.ended


def test_node_that_never_started_is_pending() -> None:
    """A node of which nothing is recorded is pending, at epoch 0."""
    state = JobState(job_id="j-1", tenant_id="public", doc_id="d", correlation_id="c", created_at=0, updated_at=0)

    assert NodeState(status=NodeStatus.PENDING, epoch=0) == state.node("anything")


def test_what_another_version_wrote_is_read() -> None:
    """Records of jobs that were running when medkg was upgraded may have fields that are no more, or are not yet."""
    former = {"pdf_downloaded": True, "pdf_ir_ready": False, "post_pdf_started": True}
    state = JobState(job_id="j", tenant_id="public", doc_id="a:1", correlation_id="c", created_at=0, updated_at=0)

    assert state == JobState.model_validate({**state.model_dump(), **former})
