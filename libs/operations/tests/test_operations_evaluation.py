"""An evaluation's parts: what is sent, what is asked, and what is told of it."""

import asyncio
from xml.etree import ElementTree

import pytest
from medkg_artifacts import ArtifactStore
from medkg_contracts.errors import ConfigurationError, IndexUnavailable, InvalidRequest
from medkg_contracts.events import read_data
from medkg_contracts.requests import JobRequest
from medkg_operations.evaluation import check_installed, retrieval
from medkg_operations.evaluation.collection import read_collection
from medkg_operations.evaluation.evaluate import own_tenant
from medkg_operations.evaluation.indexing import Corpus, Pipeline
from medkg_operations.evaluation.rankings import Found
from medkg_operations.evaluation.report import ArmReport, CorpusReport, EvaluationReport, write_report
from medkg_operations.evaluation.retrieval import Speed, ask_all

from .beir_folders import CORPUS, beir_folder

PIPELINE = Pipeline("eval-small", None, "ann", "/test")
REPORT = EvaluationReport(
    corpus=CorpusReport(
        name="small", sha256="a" * 64, documents=3, wordless=[], tenant="eval-small",
        topologies=["records@" + "b" * 64], before=1, sent=2, seconds=1.5,
    ),
    split="test",
    queries=2,
    judgments=3,
    arms={
        "bm25": ArmReport(
            measures={"nDCG@10": 0.5, "Recall@100": 1.0, "MRR@10": 0.75},
            speed=Speed(concurrency=4, per_second=120.0, p50_ms=8.0, p95_ms=1021.4, failed=0),
        )
    },
)  # fmt: skip


def corpus_of(tmp_path, name="small", rows=CORPUS, pipeline=PIPELINE):
    return Corpus(read_collection(beir_folder(tmp_path / name, rows)), pipeline)


async def test_a_row_is_asked_for_by_a_request_that_carries_it(tmp_path):
    """The request names the row's document, and the row's bytes are in the tenant's part of the store."""
    corpus, store = corpus_of(tmp_path), ArtifactStore(tmp_path / "store")
    event, *_ = await corpus.requests(list(corpus.jobs), store)
    request = read_data(event, JobRequest)

    assert ("beir", "d1", corpus.batch_id) == (request.source, request.id, request.batch_id)
    assert ("eval-small", corpus.batch_id) == (event.extensions["tenantid"], event.extensions["correlationid"])
    assert request.payload is not None
    line, _ = (tmp_path / "small" / "corpus.jsonl").read_bytes().split(b"\n", maxsplit=1)
    assert line == await store.get("eval-small", request.payload)


async def test_the_same_row_is_the_same_job(tmp_path):
    """Who sends a corpus again asks with the same events for the same jobs."""
    store = ArtifactStore(tmp_path / "store")
    again = [await corpus.requests(list(corpus.jobs), store) for corpus in (corpus_of(tmp_path, name) for name in "ab")]

    ids = [[(event.id, event.extensions["jobid"]) for event in events] for events in again]
    assert ids[0] == ids[1]
    assert 3 == len(set(ids[0]))


def test_another_corpus_topology_or_tenant_has_other_jobs(tmp_path):
    """What an earlier evaluation indexed counts only for the same rows, in the same place, made in the same way."""
    changed = [*CORPUS[:2], {"_id": "d3", "title": "slabs", "text": ""}]
    others = [
        corpus_of(tmp_path, "b", changed),
        corpus_of(tmp_path, "c", pipeline=Pipeline("other", None, "ann", "/test")),
        corpus_of(tmp_path, "d", pipeline=Pipeline("eval-small", "auto", "ann", "/test")),
    ]

    jobs = [set(corpus.jobs) for corpus in (corpus_of(tmp_path, "a"), *others)]
    assert 12 == len(set().union(*jobs))


@pytest.mark.parametrize(
    ("folder", "tenant"),
    [("TREC-COVID (2021)", "eval-trec-covid-2021-"), ("Größe" * 20, "eval-gr-e"), ("--", "eval-corpus-")],
)
def test_a_corpus_has_a_tenant_of_its_own(tmp_path, folder, tenant):
    """It is called like the folder, and ends with the corpus's digest."""
    collection = read_collection(beir_folder(tmp_path / folder))

    made = own_tenant(collection)
    assert made.startswith(tenant)
    assert made.endswith(f"-{collection.digest[:8]}")
    assert len(made) <= 63


class Slow:
    """A search that answers when others have been asked as well."""

    def __init__(self, broken=(), *, mends=False):
        self.asked, self.open, self.most = [], 0, 0
        self._broken, self._mends = set(broken), mends

    async def ranking(self, query):
        """Finds a document that is called like the query."""
        self.asked.append(query)
        self.open += 1
        self.most = max(self.most, self.open)
        for _ in range(5):
            await asyncio.sleep(0)
        self.open -= 1
        if query in self._broken:
            self._broken -= {query} if self._mends else set()
            raise IndexUnavailable(query)
        return [Found(f"chunk of {query}", query)]


QUERIES = {f"q{number}": f"text {number}" for number in range(20)}


async def test_all_queries_are_asked_a_few_at_a_time():
    """Each query is answered once, after a few that wake the search up, and never more than so many at a time."""
    search, told = Slow(), []
    answers = await ask_all(search, QUERIES, 4, told.append)

    assert {query: [Found(f"chunk of {text}", text)] for query, text in QUERIES.items()} == answers.rankings
    assert (4, 25, list(range(1, 21))) == (search.most, len(search.asked), told)


async def test_a_query_that_is_not_answered_is_asked_again(monkeypatch):
    """What failed once is asked once more, and counted; the rest is as if nothing had been."""
    monkeypatch.setattr(retrieval, "WAITS_S", (0.0,))
    search = Slow(broken={"text 8", "text 9"}, mends=True)
    answers = await ask_all(search, QUERIES, 2, lambda _: None)

    assert QUERIES.keys() == answers.rankings.keys()
    assert (2, 27) == (answers.speed.failed, len(search.asked))


async def test_a_search_that_is_down_ends_the_evaluation(monkeypatch):
    """After some tries the error is told, and nothing more is asked."""
    monkeypatch.setattr(retrieval, "WAITS_S", (0.0, 0.0))
    search = Slow(broken={"text 8"})
    with pytest.raises(IndexUnavailable, match="text 8"):
        await ask_all(search, QUERIES, 2, lambda _: None)
    asked = len(search.asked)
    await asyncio.sleep(0)

    assert asked == len(search.asked) < 25


def test_a_report_is_written_as_numbers_and_as_a_picture(tmp_path):
    """The JSON is the report, and beside it is an SVG that shows each measure and the time, in a font that all have."""
    picture = write_report(REPORT, tmp_path / "small.json")

    assert REPORT == EvaluationReport.model_validate_json((tmp_path / "small.json").read_bytes())
    drawn = ElementTree.parse(picture)  # noqa: S314 - just made
    labels = list(drawn.iter("{http://www.w3.org/2000/svg}text"))
    texts = {label.text for label in labels}
    assert {"sans-serif"} == {label.get("font-family") for label in labels}
    assert tmp_path / "small.svg" == picture
    assert {"nDCG@10, small", "p95 of a query, in milliseconds", "bm25 0.500", "bm25 1,021"} <= texts


def test_a_report_that_cannot_be_written_is_told(tmp_path):
    """The refusal names the file."""
    with pytest.raises(InvalidRequest, match="nowhere"):
        write_report(REPORT, tmp_path / "nowhere" / "small.json")


def test_without_its_libraries_an_evaluation_says_what_to_install() -> None:
    """They are an extra, which the command's image lacks."""
    with pytest.raises(ConfigurationError, match=r"not installed: no_such_library$") as caught:
        check_installed(("json", "no_such_library"))
    assert "medkg-cli[evaluation]" in caught.value.info.remedy
