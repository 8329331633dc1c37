"""The ClinicalTrials.gov adapter against the replay server, over real HTTP."""

import asyncio
import gzip
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidDocument, InvalidRequest, MedkgError, SourceRefused, SourceUnavailable
from medkg_ingest.ctgov import CtgovSource
from medkg_ingest.fetching import Answer
from medkg_ingest.json_answer import read_object
from medkg_ingest.settings import IngestSettings
from medkg_replay.recordings import Recordings
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

StartSource = Callable[..., Awaitable[CtgovSource]]
StartReplay = Callable[..., Awaitable[str]]
JSON_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
MakeSettings = Callable[..., IngestSettings]

STUDY = "NCT00353704"
RECORD = {"protocolSection": {"identificationModule": {"nctId": STUDY}}}
BODY = json.dumps(RECORD)


def answering(make: Callable[[Request], Response]) -> ASGIApp:
    """An application that answers each request with what the function makes of it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await make(Request(scope))(scope, receive, send)

    return app


async def collected(ids: AsyncIterator[str]) -> list[str]:
    return [item async for item in ids]


async def test_a_payload_is_the_sources_answer_unchanged(replayed: StartSource, recordings: Recordings) -> None:
    """Body, digest, id and media type are those of the recorded answer."""
    source = await replayed()
    (payload,) = await source.fetch(STUDY)
    body = recordings.by_id[STUDY].body
    assert (payload.source, payload.source_id, payload.media_type) == ("ctgov", STUDY, "application/json")
    assert body == payload.body.encode()
    assert hashlib.sha256(body).hexdigest() == payload.sha256


async def test_a_payload_names_the_url_without_credentials(
    stack: AsyncExitStack, replay_url: StartReplay, settings_of: MakeSettings
) -> None:
    """User and password of the base URL do not travel with the payload."""
    url = await replay_url()
    with_secret = url.replace("http://", "http://user:secret@")
    source = await stack.enter_async_context(CtgovSource(settings_of(with_secret + "/")))
    (payload,) = await source.fetch(STUDY)
    assert f"{url}/api/v2/studies/{STUDY}" == payload.uri


async def test_two_fetches_give_the_same_payload(replayed: StartSource) -> None:
    """A payload holds nothing of the moment at which it was fetched."""
    source = await replayed()
    first, second = [(await source.fetch(STUDY))[0].model_dump_json() for _ in range(2)]
    assert first == second


async def test_an_id_is_normalised(replayed: StartSource) -> None:
    """Spaces and letter case of an id do not matter."""
    source = await replayed()
    (payload,) = await source.fetch(" nct00353704\n")
    assert payload.source_id == STUDY


@pytest.mark.parametrize(
    "text", ["", "NCT123", "PMC123456", "NCT0035370A", "NCT003537045", "NCT\u0660\u0660353704", "../NCT00353704"]
)
async def test_a_malformed_id_is_refused_without_asking(text: str, settings_of: MakeSettings) -> None:
    """The refusal quotes the id; no request is made, so no server is needed."""
    source = CtgovSource(settings_of("http://127.0.0.1:1"))
    with pytest.raises(InvalidRequest, match="is no NCT id") as caught:
        await source.fetch(text)
    assert str(caught.value).startswith(repr(text))


async def test_an_earlier_id_gives_the_study_under_its_own(replayed: StartSource) -> None:
    """A study that the source redirects to is accepted, since it carries the id that was asked for."""
    source = await replayed()
    (payload,) = await source.fetch("NCT02380456")
    assert payload.source_id == "NCT02300909"


async def test_an_unknown_study_is_refused_in_the_sources_words(replayed: StartSource) -> None:
    """A 404 is not retryable and quotes the source."""
    source = await replayed()
    with pytest.raises(SourceRefused, match="answered 404: NCT number NCT99999999 not found"):
        await source.fetch("NCT99999999")


async def test_a_bad_query_is_refused_in_the_sources_words(replayed: StartSource) -> None:
    """A 400 is not retryable and quotes the source."""
    source = await replayed()
    with pytest.raises(SourceRefused, match=r"answered 400: `filter\.phase` is unknown parameter"):
        await collected(source.search({"filter.phase": "PHASE3"}, None))


@pytest.mark.parametrize(("fault", "seconds"), [("429:7", 7.0), ("503:9", 9.0), ("503", None), ("429:soon", None)])
async def test_a_busy_source_says_when_to_come_back(replayed: StartSource, fault: str, seconds: float | None) -> None:
    """429 and 503 are retryable and keep the seconds of Retry-After."""
    source = await replayed(fault)
    with pytest.raises(SourceUnavailable, match=f"answered {fault[:3]}") as caught:
        await source.fetch(STUDY)
    assert (seconds, True) == (caught.value.retry_after, caught.value.info.retryable)


async def test_a_busy_source_may_say_it_as_a_date(replayed: StartSource) -> None:
    """A Retry-After that is a date becomes the seconds until then."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    source = await replayed(f"429:{date}")
    with pytest.raises(SourceUnavailable) as caught:
        await source.fetch(STUDY)
    assert 50 < (caught.value.retry_after or 0) <= 60


async def test_a_short_wait_is_waited_for_in_place(replayed: StartSource) -> None:
    """A refusal with a short Retry-After is tried again, and the caller sees only the answer."""
    source = await replayed("429:0/2", MK_INGEST_RETRY_WAIT_S=5)
    payloads = [await source.fetch(STUDY) for _ in range(2)]
    assert [STUDY, STUDY] == [payload.source_id for (payload,) in payloads]


async def test_a_long_wait_is_left_to_the_caller(replayed: StartSource) -> None:
    """A Retry-After beyond the limit is not waited for, not even in part."""
    source = await replayed("503:3600", MK_INGEST_RETRY_WAIT_S=5)
    async with asyncio.timeout(2):
        with pytest.raises(SourceUnavailable) as caught:
            await source.fetch(STUDY)
    assert caught.value.retry_after == 3600


async def test_half_a_body_is_not_taken_for_a_record(replayed: StartSource) -> None:
    """A connection that closes before Content-Length bytes came is a retryable failure that says so."""
    source = await replayed("truncate")
    with pytest.raises(SourceUnavailable, match="gave no whole answer: peer closed connection"):
        await source.fetch(STUDY)


async def test_a_silent_source_times_out(replayed: StartSource) -> None:
    """An answer that does not begin within the read timeout is a retryable failure."""
    source = await replayed("delay:0.4", MK_INGEST_READ_TIMEOUT_S=0.05)
    with pytest.raises(SourceUnavailable, match=r"did not answer in time \(ReadTimeout\)"):
        await source.fetch(STUDY)


async def test_an_unreachable_source_is_unavailable(stack: AsyncExitStack, settings_of: MakeSettings) -> None:
    """A refused connection is a retryable failure that names the URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        source = await stack.enter_async_context(CtgovSource(settings_of(url)))
        with pytest.raises(SourceUnavailable, match=f"{url}/api/v2/studies/{STUDY} gave no whole answer"):
            await source.fetch(STUDY)


async def test_too_large_an_answer_is_refused(replayed: StartSource) -> None:
    """Reading stops at the limit; the remedy names the setting."""
    source = await replayed(MK_INGEST_MAX_BYTES=1000)
    with pytest.raises(SourceRefused, match="more than 1,000 bytes") as caught:
        await source.fetch(STUDY)
    assert "MK_INGEST_MAX_BYTES" in caught.value.info.remedy


async def test_a_large_answer_without_length_is_cut_off(adapted: StartSource) -> None:
    """A body that does not say how long it is is given up at the limit."""

    async def spaces() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 4096

    source = await adapted(StreamingResponse(spaces()), MK_INGEST_MAX_BYTES=100_000)
    with pytest.raises(SourceRefused, match="more than 100,000 bytes"):
        await source.fetch(STUDY)


@pytest.mark.parametrize(
    ("response", "error", "words"),
    [
        (Response(b'{"protocolSection":', 200), SourceUnavailable, "a body of 19 bytes that is not JSON"),
        (Response(b'{"protocolSection": {"a": "}', 200), SourceUnavailable, "not JSON"),
        (Response('{"title": "é'.encode()[:-1], 200), SourceUnavailable, "ends within a character"),
        (Response(b" \n", 200), SourceUnavailable, "not JSON"),
        (PlainTextResponse("<html>maintenance</html>"), SourceUnavailable, "not JSON"),
        (PlainTextResponse("try again later"), SourceUnavailable, "not JSON"),
        (Response(b'"\xff"', 200), InvalidDocument, "not UTF-8: invalid start byte at byte 1"),
        (Response(BODY.encode("utf-16"), 200), InvalidDocument, "not UTF-8: it is UTF-16"),
        (Response(BODY.encode("utf-16-be"), 200), InvalidDocument, "not UTF-8: it has zero bytes"),
        (Response(gzip.compress(BODY.encode()), 200), InvalidDocument, "not UTF-8: it is compressed"),
        (Response(BODY, 200, {"content-encoding": "gzip"}), InvalidDocument, "not what its headers say"),
        (Response("[" * 10_000 + "]" * 10_000, 200), InvalidDocument, "nested too deep"),
        (Response(BODY + BODY, 200), InvalidDocument, "not JSON: Extra data"),
        (Response('{"a": 1,, "b": {}}', 200), InvalidDocument, "not JSON"),
        (JSONResponse([]), InvalidDocument, "not an object"),
        (JSONResponse({"studies": []}), InvalidDocument, "no nctId"),
        (JSONResponse({"protocolSection": {"identificationModule": {"nctId": 1}}}), InvalidDocument, "no nctId"),
        (JSONResponse({"protocolSection": {"identificationModule": {"nctId": "x"}}}), InvalidDocument, "no nctId"),
        (
            JSONResponse({"protocolSection": {"identificationModule": {"nctId": "NCT00000001"}}}),
            SourceRefused,
            "the study NCT00000001, which was not asked for",
        ),
        (Response(status_code=502), SourceUnavailable, "answered 502: Bad Gateway"),
        (PlainTextResponse("go  away\n" * 999, 403), SourceRefused, "answered 403: go away go away"),
    ],
)
async def test_an_answer_that_is_no_study_is_not_taken_for_one(
    adapted: StartSource, response: Response, error: type[MedkgError], words: str
) -> None:
    """What is broken may come whole the next time; what is whole and wrong will not."""
    source = await adapted(response)
    with pytest.raises(error, match=words) as caught:
        await source.fetch(STUDY)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    "body",
    [
        "\ufeff" + BODY,
        BODY.replace("}}", ', "nctIdAliases": null}}'),
        BODY.replace("}}", ', "nctIdAliases": "NCT00000001"}}'),
        BODY.replace("}}", ', "acronym": "\\ud83d"}}'),
        BODY.replace("}}", ', "count": 123456789012345678901234567890, "least": 1e-999, "most": 1e999}}'),
        BODY.replace("}}", f', "digits": {"9" * 5000}}}}}'),
        BODY.replace(STUDY, f" {STUDY} "),
    ],
)
async def test_a_study_is_taken_as_it_is(adapted: StartSource, body: str) -> None:
    """What the reader of a payload reads, or refuses for reasons of its own, is handed to it byte for byte."""
    source = await adapted(Response(body.encode()))
    (payload,) = await source.fetch(STUDY)
    assert (STUDY, body.encode()) == (payload.source_id, payload.body.encode())


@settings(max_examples=50, deadline=None)
@given(st.recursive(JSON_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)), st.data())
def test_a_body_that_is_cut_off_may_come_whole_the_next_time(value: object, data: st.DataObject) -> None:
    """Wherever a record's body breaks off, another try is worth it."""
    body = json.dumps({"protocolSection": value}, ensure_ascii=data.draw(st.booleans())).encode()
    cut = body[: data.draw(st.integers(0, len(body) - 1))]

    with pytest.raises(SourceUnavailable):
        read_object(Answer("http://source/1", "application/json", cut))


async def test_redirects_in_a_circle_are_refused(adapted: StartSource) -> None:
    """A URL that redirects to itself ends as a refusal."""
    source = await adapted(answering(lambda request: RedirectResponse(request.url.path)))
    with pytest.raises(SourceRefused, match="redirects more than 3 times"):
        await source.fetch(STUDY)


async def test_requests_say_who_asks(adapted: StartSource) -> None:
    """The User-Agent has product, version and the contact of the settings."""
    agents: list[str] = []

    def answer(request: Request) -> Response:
        agents.append(request.headers["user-agent"])
        return JSONResponse(RECORD)

    source = await adapted(answering(answer), MK_INGEST_CONTACT="mail@example.org")
    await source.fetch(STUDY)
    assert agents == ["medkg/0.1.0 (mail@example.org)"]


async def test_pages_keep_to_the_pace(replayed: StartSource) -> None:
    """Two pages beyond the first second's worth come no sooner than the rate lets them."""
    source = await replayed(MK_CTGOV_RATE=10, MK_CTGOV_PAGE_SIZE=1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await collected(source.search({"query.cond": "pain"}, 12))
    assert loop.time() - began >= 0.19


async def test_single_studies_have_no_pace_of_their_own(adapted: StartSource) -> None:
    """How often studies are fetched is the policy's affair: the slowest pace for pages does not matter."""
    source = await adapted(JSONResponse(RECORD), MK_CTGOV_RATE=0.001)
    fetched = await asyncio.wait_for(asyncio.gather(*(source.fetch(STUDY) for _ in range(5))), 60)
    assert len(fetched) == 5


async def test_a_search_area_needs_no_prefix(replayed: StartSource) -> None:
    """A search area may be named without ``query.`` before it; other parameters are passed on as they are."""
    source = await replayed()
    short = await collected(source.search({"cond": "pain", "filter.overallStatus": "COMPLETED"}, 5))
    assert short == await collected(source.search({"query.cond": "pain", "filter.overallStatus": "COMPLETED"}, 5))
    assert short != await collected(source.search({"filter.overallStatus": "COMPLETED"}, 5))


async def test_a_search_follows_all_pages(replayed: StartSource) -> None:
    """All ids come, each once, in the source's order, however small the pages are."""
    source = await replayed(MK_CTGOV_PAGE_SIZE=7)
    ids = await collected(source.search({"query.cond": "pain"}, None))
    whole = await replayed(MK_CTGOV_PAGE_SIZE=1000)
    assert ids == await collected(whole.search({"query.cond": "pain"}, None))
    assert (len(ids) > 14, len(ids)) == (True, len(set(ids)))


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (7, 7), (9, 9), (10_000, 261)])
async def test_a_search_ends_at_its_limit(replayed: StartSource, limit: int, expected: int) -> None:
    """No more ids come than were asked for, on a page's border or within it."""
    source = await replayed(MK_CTGOV_PAGE_SIZE=7)
    ids = await collected(source.search({"query.term": ""}, limit))
    assert expected == len(ids)


async def test_a_search_survives_a_busy_source(replayed: StartSource) -> None:
    """Pages that are refused in between are tried again in place; none is missing and none comes twice."""
    faulty = await replayed("503/3", MK_CTGOV_PAGE_SIZE=40, MK_INGEST_RETRY_WAIT_S=5)
    calm = await replayed(MK_CTGOV_PAGE_SIZE=40)
    assert await collected(calm.search({"query.term": ""}, None)) == await collected(
        faulty.search({"query.term": ""}, None)
    )


async def test_tokens_in_a_circle_are_detected(adapted: StartSource) -> None:
    """A token that came before ends the search with an error instead of running for ever."""
    source = await adapted(JSONResponse({"studies": [RECORD], "nextPageToken": "again"}))
    with pytest.raises(SourceUnavailable, match="nextPageToken 'again' leads back to an earlier page"):
        await collected(source.search({"query.cond": "x"}, None))


@pytest.mark.parametrize("token", ['"\\ud83d"', "7"])
async def test_a_token_that_is_none_ends_the_search(adapted: StartSource, token: str) -> None:
    """A token that no URL can have is not asked for again and again."""
    source = await adapted(Response(f'{{"studies": [{BODY}], "nextPageToken": {token}}}'))
    with pytest.raises(InvalidDocument, match=r"nextPageToken .* is none"):
        await collected(source.search({"query.cond": "x"}, None))


async def test_a_study_on_two_pages_is_given_once(adapted: StartSource) -> None:
    """Pages that overlap, as they do when the source changes meanwhile, give each id once."""

    def page(request: Request) -> Response:
        more = {} if "pageToken" in request.query_params else {"nextPageToken": "two"}
        return JSONResponse({"studies": [RECORD], **more})

    source = await adapted(answering(page))
    assert [STUDY] == await collected(source.search({"query.cond": "x"}, None))


@pytest.mark.parametrize("name", ["pageSize", "pageToken", "fields", "format", "countTotal"])
async def test_the_adapters_own_parameters_are_refused(name: str, settings_of: MakeSettings) -> None:
    """A query cannot change how the adapter pages; the refusal names the parameter."""
    source = CtgovSource(settings_of("http://127.0.0.1:1"))
    with pytest.raises(InvalidRequest, match=f"query.{name}"):
        await collected(source.search({name: "1"}, None))


async def test_a_query_too_long_for_a_url_is_refused(settings_of: MakeSettings) -> None:
    """A query of 70,000 characters is the request's fault, not the source's."""
    source = CtgovSource(settings_of("http://127.0.0.1:1"))
    with pytest.raises(InvalidRequest, match="no URL can be made of it"):
        await collected(source.search({"query.cond": "x" * 70_000}, None))
