"""The paths, parameters and refusals of the served API."""

import gzip
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import medkg_replay
import pytest

Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

RECORDED = Path(medkg_replay.__file__).parent / "recordings" / "studies.jsonl.gz"
STUDIES = "/api/v2/studies"


def ids(answer: httpx.Response) -> list[str]:
    """The ids on a page, in its order."""
    return [study["protocolSection"]["identificationModule"]["nctId"] for study in answer.json()["studies"]]


async def test_every_study_is_served_as_it_was_recorded(client: Client) -> None:
    """The bytes of each of the 261 studies are those of its recording."""
    with gzip.open(RECORDED) as lines:
        bodies = [json.loads(line)["body"] for line in lines]
    async with client() as http:
        served = [
            (await http.get(f"{STUDIES}/{json.loads(body)['protocolSection']['identificationModule']['nctId']}")).text
            for body in bodies
        ]
    assert len(bodies) == 261
    assert bodies == served


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"{STUDIES}/NCT99999999", 404, "NCT number NCT99999999 not found"),
        (f"{STUDIES}/ABC123", 400, "Parameter `nctId` has incorrect format"),
        (f"{STUDIES}/NCT00353704?bogus=1", 400, "`bogus` is unknown parameter"),
        (f"{STUDIES}?bogus=1", 400, "`bogus` is unknown parameter"),
        (f"{STUDIES}?filter.ids=NCT00353704,ABC", 400, "Item 2 in parameter `filter.ids` has incorrect format"),
        (f"{STUDIES}?filter.overallStatus=OPEN", 400, "Invalid value in parameter `filter.overallStatus`: `OPEN`"),
        (f"{STUDIES}?pageSize=-1", 400, "Parameter `pageSize` has incorrect format"),
        (f"{STUDIES}?countTotal=yes", 400, "Parameter `countTotal` has incorrect format"),
        (f"{STUDIES}?pageToken=x", 400, "Parameter `pageToken` has incorrect format"),
        (f"{STUDIES}?pageSize=1&pageSize=2", 400, "Parameter `pageSize` is given more than once"),
    ],
)
async def test_a_refusal_is_plain_text_in_the_apis_own_words(
    client: Client, path: str, status: int, words: str
) -> None:
    """An unknown id is 404 and a malformed request 400; the body is text."""
    async with client() as http:
        answer = await http.get(path)
    assert (status, words) == (answer.status_code, answer.text)
    assert answer.headers["content-type"].startswith("text/plain")


async def test_an_operator_is_refused_rather_than_misread(client: Client) -> None:
    """A query in the real query language gets a 400 that names the operator."""
    async with client() as http:
        answer = await http.get(STUDIES, params={"query.cond": "hernia OR sepsis"})
    assert (400, True) == (answer.status_code, answer.text.endswith("operator OR"))


async def test_an_id_may_be_written_as_the_real_api_allows(client: Client) -> None:
    """Lower case and a missing leading zero name the same study."""
    async with client() as http:
        answers = [await http.get(f"{STUDIES}/{text}") for text in ("NCT00353704", "nct353704")]
    assert answers[0].content == answers[1].content


async def test_an_earlier_id_redirects_to_the_study(client: Client) -> None:
    """An alias is answered 301 with the path of the id that the study has now."""
    async with client() as http:
        answer = await http.get(f"{STUDIES}/NCT02380456")
    assert (301, f"{STUDIES}/NCT02300909") == (answer.status_code, answer.headers["location"])


async def test_all_words_must_occur_in_the_area(client: Client) -> None:
    """A second word narrows what the first one finds."""
    async with client() as http:
        wide = ids(await http.get(STUDIES, params={"query.cond": "disc", "pageSize": 1000}))
        narrow = ids(await http.get(STUDIES, params={"query.cond": "Herniation disc", "pageSize": 1000}))
    assert set(narrow) < set(wide)
    assert "NCT00000410" in narrow


async def test_areas_are_searched_by_themselves(client: Client) -> None:
    """A drug is found as an intervention and not as a condition."""
    parameters = {"filter.ids": "NCT00353704", "fields": "NCTId"}
    async with client() as http:
        intervention = await http.get(STUDIES, params={**parameters, "query.intr": "morphine"})
        condition = await http.get(STUDIES, params={**parameters, "query.cond": "morphine"})
        term = await http.get(STUDIES, params={**parameters, "query.term": "asker morphine"})
        number = await http.get(STUDIES, params={**parameters, "query.id": "2005-003229-20"})
    assert [["NCT00353704"], [], ["NCT00353704"], ["NCT00353704"]] == [
        ids(answer) for answer in (intervention, condition, term, number)
    ]


@pytest.mark.parametrize("separator", [",", "|"])
async def test_ids_are_separated_by_comma_or_bar(client: Client, separator: str) -> None:
    """Both separators of the real API give the listed studies, by rising id."""
    async with client() as http:
        answer = await http.get(STUDIES, params={"filter.ids": f"NCT00353704{separator}NCT00000410"})
    assert ids(answer) == ["NCT00000410", "NCT00353704"]


async def test_a_status_filter_keeps_only_these_statuses(client: Client) -> None:
    """Every study of the answer has one of the statuses that were asked for."""
    async with client() as http:
        answer = await http.get(
            STUDIES, params={"filter.overallStatus": "WITHDRAWN|UNKNOWN", "pageSize": 1000, "countTotal": "true"}
        )
    statuses = {study["protocolSection"]["statusModule"]["overallStatus"] for study in answer.json()["studies"]}
    assert ({"WITHDRAWN", "UNKNOWN"}, 3) == (statuses, answer.json()["totalCount"])


async def test_pages_together_are_the_whole(client: Client) -> None:
    """Following the tokens gives each study once, in the order of one large page."""
    async with client() as http:
        whole = ids(await http.get(STUDIES, params={"pageSize": 5000, "fields": "NCTId"}))
        paged: list[str] = []
        totals: list[int | None] = []
        parameters = {"pageSize": "50", "fields": "NCTId", "countTotal": "true"}
        while parameters.get("pageToken", "") is not None:
            page = await http.get(STUDIES, params=parameters)
            paged += ids(page)
            totals.append(page.json().get("totalCount"))
            parameters["pageToken"] = page.json().get("nextPageToken")
    assert whole == paged
    assert totals == [261, None, None, None, None, None]


async def test_a_page_has_ten_studies_when_no_size_is_asked(client: Client) -> None:
    """The default size is the real API's, and so is the meaning of 0."""
    async with client() as http:
        sizes = [len(ids(await http.get(STUDIES + query))) for query in ("", "?pageSize=0")]
    assert sizes == [10, 10]


async def test_a_token_of_another_search_is_refused(client: Client) -> None:
    """A page token is good for the search that gave it."""
    async with client() as http:
        token = (await http.get(STUDIES)).json()["nextPageToken"]
        answer = await http.get(STUDIES, params={"query.cond": "pain", "pageToken": token})
    assert (400, "Parameter `pageToken` does not belong to this search") == (answer.status_code, answer.text)
