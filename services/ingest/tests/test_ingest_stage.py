"""The stages: fetching one item, expanding a batch."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_artifacts import ArtifactStore
from medkg_contracts.errors import (
    ArtifactMissing,
    InvalidDocument,
    InvalidRequest,
    SourceRefused,
    SourceUnavailable,
    StageBug,
)
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext
from medkg_ingest.settings import IngestSettings
from medkg_ingest.stage import ExpandStage, IngestStage
from medkg_replay.recordings import Recordings
from pydantic import ValidationError

StartReplay = Callable[..., Awaitable[str]]
MakeSettings = Callable[..., IngestSettings]
StartStage = Callable[..., Awaitable[Any]]

STUDY = "NCT00353704"


def context(job_id: str = "j-1") -> StageContext:
    return StageContext("public", "ctgov:*", job_id, "c-1", "auto", "0123456789ab")


@pytest.fixture
def opened(stack: AsyncExitStack, replay_url: StartReplay, settings_of: MakeSettings) -> StartStage:
    """An open stage of this class, in front of a replay server."""

    async def start(
        stage_class: type[IngestStage | ExpandStage], faults: str = "", url: str | None = None, **more: object
    ) -> IngestStage | ExpandStage:
        stage = stage_class(settings_of(url or await replay_url(faults), **more))
        await stage.open()
        stack.push_async_callback(stage.close)
        return stage

    return start


async def expanded(
    stage: ExpandStage, request: JobRequest, job_id: str = "j-1", into: list[JobRequest] | None = None
) -> list[JobRequest]:
    """What an expansion gives out; `into` keeps what came before an error."""
    items: list[JobRequest] = [] if into is None else into
    async for item in stage.execute(context(job_id), request):
        items.append(item)  # noqa: PERF401 - an error must not lose those before it
    return items


async def test_ingest_fetches_the_requests_item(opened: StartStage, recordings: Recordings) -> None:
    """One item gives its payload, whose digest is that of the recorded bytes."""
    stage = await opened(IngestStage)
    (payload,) = await stage.execute(context(), JobRequest(source="ctgov", id=STUDY))
    assert hashlib.sha256(recordings.by_id[STUDY].body).hexdigest() == payload.sha256


async def test_ingest_refuses_a_batch(opened: StartStage) -> None:
    """A list is not something to fetch; the refusal names the job."""
    stage = await opened(IngestStage)
    with pytest.raises(InvalidRequest, match="job j-1 has a list or a query"):
        await stage.execute(context(), JobRequest(source="ctgov", ids=[STUDY]))


async def test_an_unknown_source_is_refused_by_name(opened: StartStage) -> None:
    """The refusal names the source and those that are known."""
    stage = await opened(IngestStage)
    with pytest.raises(InvalidRequest, match="source: 'gopher' is not known; known are ctgov"):
        await stage.execute(context(), JobRequest(source="gopher", id="1"))


async def test_a_stage_that_was_not_opened_says_so(settings_of: MakeSettings) -> None:
    """Working before `open` is a bug of the caller, not a source's failure."""
    stage = IngestStage(settings_of("http://127.0.0.1:1"))
    with pytest.raises(StageBug, match="before it was opened"):
        await stage.execute(context(), JobRequest(source="ctgov", id=STUDY))


async def test_both_stages_share_one_rate(opened: StartStage, replay_url: StartReplay) -> None:
    """A source sees the process as one caller: the closing of one stage leaves the other working."""
    url = await replay_url()
    ingest, expand = [await opened(stage, url=url) for stage in (IngestStage, ExpandStage)]
    assert ingest._sources is expand._sources
    await expand.close()
    (payload,) = await ingest.execute(context(), JobRequest(source="ctgov", id=STUDY))
    assert payload.source_id == STUDY


async def test_a_stage_can_be_opened_again(opened: StartStage) -> None:
    """Closing and opening gives working connections."""
    stage = await opened(IngestStage)
    await stage.close()
    await stage.open()
    (payload,) = await stage.execute(context(), JobRequest(source="ctgov", id=STUDY))
    assert payload.source_id == STUDY


async def test_a_list_expands_in_its_own_order_each_item_once(opened: StartStage) -> None:
    """Ids are normalised before they are compared; the first place counts."""
    stage = await opened(ExpandStage)
    request = JobRequest(source="ctgov", ids=["NCT00353704", " nct00000410", "NCT00353704", "NCT00000410"])
    assert ["NCT00353704", "NCT00000410"] == [item.id for item in await expanded(stage, request)]


async def test_an_item_carries_what_the_batch_was_asked_for(opened: StartStage) -> None:
    """Topology, until, skip_completed, priority and metadata are the batch's; batch_id is its job."""
    stage = await opened(ExpandStage)
    common: dict[str, Any] = {"topology": "auto", "until": "parse", "skip_completed": True, "metadata": {"who": "me"}}
    common["priority"] = "high"
    items = await expanded(stage, JobRequest(source="ctgov", ids=[STUDY], **common), "b-7")
    assert [JobRequest(source="ctgov", id=STUDY, batch_id="b-7", **common)] == items


async def test_a_bad_id_refuses_the_list_before_anything_is_given_out(opened: StartStage) -> None:
    """Nothing is published of a list that has a mistake; the refusal gives its place."""
    stage = await opened(ExpandStage)
    given_out: list[JobRequest] = []
    with pytest.raises(InvalidRequest, match=r"ids\.1: 'PMC1' is no NCT id"):
        await expanded(stage, JobRequest(source="ctgov", ids=[STUDY, "PMC1"]), into=given_out)
    assert given_out == []


async def test_a_query_expands_to_what_the_source_finds(opened: StartStage, recordings: Recordings) -> None:
    """A query gives one request for each study found, in the source's order."""
    stage = await opened(ExpandStage, MK_CTGOV_PAGE_SIZE=20)
    items = await expanded(stage, JobRequest(source="ctgov", query={"filter.overallStatus": "COMPLETED"}))
    completed = [study.nct_id for study in recordings.studies if study.status == "COMPLETED"]
    assert completed == [item.id for item in items]


async def test_a_query_expands_to_at_most_its_limit(opened: StartStage) -> None:
    """The limit counts items, whatever the page size."""
    stage = await opened(ExpandStage, MK_CTGOV_PAGE_SIZE=4)
    items = await expanded(stage, JobRequest(source="ctgov", query={"query.cond": "pain"}, limit=6))
    assert len(items) == 6


async def test_an_interrupted_expansion_continues_with_the_same_sequence(opened: StartStage) -> None:
    """What came before the interruption is the beginning of what comes when it runs again."""
    stage = await opened(ExpandStage, "503/3", MK_CTGOV_PAGE_SIZE=10)
    request = JobRequest(source="ctgov", query={"query.cond": "pain"})
    before: list[JobRequest] = []
    with pytest.raises(SourceUnavailable):
        await expanded(stage, request, into=before)
    calm = await opened(ExpandStage)
    after = await expanded(calm, request)
    assert (20, True) == (len(before), len(after) > 20)
    assert before == after[: len(before)]


async def test_a_query_that_the_source_refuses_is_refused(opened: StartStage) -> None:
    """The source's own words reach the job's error."""
    stage = await opened(ExpandStage)
    with pytest.raises(SourceRefused, match=r"Invalid value in parameter `filter\.overallStatus`: `OPEN`"):
        await expanded(stage, JobRequest(source="ctgov", query={"filter.overallStatus": "OPEN"}))


@settings(max_examples=30, deadline=None)
@given(numbers=st.lists(st.integers(0, 99_999_999), min_size=1, max_size=30))
async def test_any_list_expands_without_repetition_and_always_alike(numbers: list[int]) -> None:
    """Order and ids depend on the list alone; no source is asked."""
    stage = ExpandStage(IngestSettings.model_validate({"MK_CTGOV_URL": "http://127.0.0.1:1"}))
    await stage.open()
    try:
        request = JobRequest(source="ctgov", ids=[f"nct{number:08}" for number in numbers])
        first, second = await expanded(stage, request), await expanded(stage, request)
    finally:
        await stage.close()
    assert first == second
    assert list(dict.fromkeys(f"NCT{number:08}" for number in numbers)) == [item.id for item in first]


@pytest.mark.parametrize(
    "values",
    [
        {"MK_CTGOV_URL": "clinicaltrials.gov"},
        {"MK_CTGOV_URL": "http://host/?q=1"},
        {"MK_CTGOV_RATE": 0},
        {"MK_CTGOV_PAGE_SIZE": 1001},
        {"MK_INGEST_CONTACT": "line\nbreak"},
    ],
)
def test_a_setting_that_cannot_work_is_refused(values: dict[str, object]) -> None:
    """A bad setting stops the start instead of the first request."""
    with pytest.raises(ValidationError, match=next(iter(values))):
        IngestSettings.model_validate(values)


ROW = b'{"_id": "184", "text": "Heated  wings \xc2\xb5"}\n'


async def carrying(folder: Path, body: bytes, tenant: str = "public") -> JobRequest:
    """A request that carries this record, which stands in the tenant's part of the store."""
    ref = await ArtifactStore(folder).put(tenant, "payload", body, inline=False)
    return JobRequest(source="beir", id="184", payload=ref)


async def test_ingest_takes_the_record_that_a_request_carries(tmp_path: Path, settings_of: MakeSettings) -> None:
    """A carried record is the payload, byte for byte, and no source is asked."""
    stage = IngestStage(settings_of("http://127.0.0.1:1", artifacts_url=f"file://{tmp_path}"))
    (payload,) = await stage.execute(context(), await carrying(tmp_path, ROW))
    assert ("beir", "184", ROW) == (payload.source, payload.source_id, payload.body.encode())
    assert hashlib.sha256(ROW).hexdigest() == payload.sha256


async def test_ingest_takes_no_record_of_another_tenant(tmp_path: Path, settings_of: MakeSettings) -> None:
    """A request reaches its own tenant's artifacts alone."""
    stage = IngestStage(settings_of("http://127.0.0.1:1", artifacts_url=f"file://{tmp_path}"))
    with pytest.raises(ArtifactMissing, match="no artifact of tenant 'public'"):
        await stage.execute(context(), await carrying(tmp_path, ROW, "other"))


@pytest.mark.parametrize(("body", "error"), [(b"{\xff}", InvalidDocument), (b"x" * 101, InvalidRequest)])
async def test_ingest_refuses_a_carried_record_that_is_no_text_or_too_large(
    tmp_path: Path, settings_of: MakeSettings, body: bytes, error: type[Exception]
) -> None:
    """What cannot be a record is refused for good."""
    stage = IngestStage(settings_of("http://127.0.0.1:1", artifacts_url=f"file://{tmp_path}", MK_INGEST_MAX_BYTES=100))
    with pytest.raises(error):
        await stage.execute(context(), await carrying(tmp_path, body))
