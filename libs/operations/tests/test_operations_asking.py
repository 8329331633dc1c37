"""An evaluation's questions to the search service: each arm, the fusion, and weights."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.ir import Chunk, Span
from medkg_operations.evaluation.asking import Asking
from medkg_operations.evaluation.collection import read_collection
from medkg_operations.evaluation.fusing import fused_records
from medkg_operations.evaluation.rankings import Found
from medkg_operations.evaluation.splits import two_sides
from medkg_operations.evaluation.tuning import Tuning
from medkg_operations.evaluation.watching import Unwatched
from medkg_search.hybrid import Arm, HybridHit, HybridPage, Place

from .beir_folders import beir_folder

NUMBERS = range(12)
CORPUS = [{"_id": f"d{number}", "text": f"text {number}"} for number in NUMBERS]
QUERIES = [{"_id": f"q{number}", "text": f"text {number}"} for number in NUMBERS]
TRAIN = [f"q{number}\td{number}\t1" for number in NUMBERS if number < 6]
TEST = [f"q{number}\td{number}\t1" for number in NUMBERS if number >= 6]


def as_found(rankings, named=()):
    return {
        arm: [Found(record, record, named=record in named) for record in ranking] for arm, ranking in rankings.items()
    }


def hit(rank, document, score, rerank):
    chunk = Chunk(
        id=f"c of {document}", document_id=f"beir:{document}", document_title="a", source="beir", section_id="body",
        section_type="body", section_title="Text", ordinal=0, text="a", span=Span(start=0, end=1), token_count=1,
    )  # fmt: skip
    return HybridHit(
        rank=rank, record_id=f"r of {document}", chunk=chunk, score=score, arms={Arm.BM25: Place(rank=1, score=1.0)},
        rerank=rerank, snippets=[],
    )  # fmt: skip


class Service:
    """BM25 finds what is asked for first, the dense arm last; both together as the real service fuses them.

    A reranker turns the first three hits round.
    """

    def __init__(self, *, reranks=False):
        self.asked, self._reranks = [], reranks

    async def __call__(self, request):
        """A page."""
        self.asked.append((request.query, request.arms))
        wanted = f"d{request.query.split()[-1]}"
        others = [f"d{number}" for number in NUMBERS if f"d{number}" != wanted]
        found = {Arm.BM25: [wanted, *others], Arm.DENSE: [*others, wanted]}
        ranking = found[request.arms[0]] if request.arms else fused_records(as_found(found), dict.fromkeys(found, 1.0))
        scored = [(document, 1 / rank, None) for rank, document in enumerate(ranking, 1)]
        if self._reranks:
            again = [
                (document, score, Place(rank=rank, score=0.5))
                for rank, (document, score, _) in enumerate(scored[2::-1], 1)
            ]
            scored = again + scored[3:]
        hits = [hit(rank, *each) for rank, each in enumerate(scored, 1)]
        return HybridPage(
            hits=hits, total=len(hits), cursor=None, partial=[], took_ms={}, weights=dict.fromkeys(found, 1.0)
        )


async def ready_to_ask(tmp_path, service):
    collection = read_collection(beir_folder(tmp_path / "c", CORPUS, QUERIES, train=TRAIN, test=TEST))
    asking = Asking(collection, service, "t", 2, Unwatched())
    await asking.prepare()
    return asking, collection


@pytest.fixture
async def asking(tmp_path):
    """Ready to ask."""
    return await ready_to_ask(tmp_path, Service())


async def test_each_arm_and_the_fusion_are_asked(asking):
    """The arms are those that the service has; each is asked alone, and then all of them."""
    ready, collection = asking
    answers = await ready.all_arms(collection.split("test"))

    assert ["bm25", "dense", "fusion"] == list(answers)
    assert ["d7", "d11"] == [answers[arm].rankings["q7"][at].document for arm, at in (("bm25", 0), ("dense", -2))]


async def test_a_reranker_is_measured_beside_what_it_looks_at(tmp_path):
    """The arms and their fusion are what they are without it, and so are the weights that are tuned."""
    plain, collection = await ready_to_ask(tmp_path / "plain", Service())
    reranked, _ = await ready_to_ask(tmp_path / "reranked", Service(reranks=True))
    sides = two_sides(collection, "test")
    before, after = [await each.all_arms(collection.split("test")) for each in (plain, reranked)]

    assert ["bm25", "dense", "fusion", "reranked"] == list(after)
    for name, answers in before.items():
        assert documents(answers) == documents(after[name])
    for query, found in documents(after["fusion"]).items():
        assert [*found[2::-1], *found[3:]] == documents(after["reranked"])[query]
    assert (await plain.tune(sides, before)).weights == (await reranked.tune(sides, after)).weights


def documents(answers):
    return {query: [found.document for found in ranking] for query, ranking in answers.rankings.items()}


async def test_weights_are_tuned_without_asking_again(asking):
    """What the arms have found is fused here, by the service's own function; only the training queries are new."""
    ready, collection = asking
    answers = await ready.all_arms(collection.split("test"))
    service = ready._ask
    service.asked.clear()
    tuning = await ready.tune(two_sides(collection, "test"), answers)

    assert isinstance(tuning, Tuning)
    assert tuning.weights["bm25"] > tuning.weights.get("dense", 0)
    assert {"bm25": 1.0, "dense": 1.0} == tuning.present
    assert {f"text {number}" for number in range(6)} == {query for query, _ in service.asked}


@given(
    st.fixed_dictionaries({arm: st.lists(st.sampled_from("abcdefgh"), unique=True) for arm in ("bm25", "dense")}),
    st.sets(st.sampled_from("abcdefgh")),
)
def test_records_are_fused_by_weighted_reciprocal_ranks(rankings, named):
    """What the query names comes first; a record's score is the sum of weight / (60 + rank)."""
    weights = {"bm25": 0.25, "dense": 0.5}
    scores = {
        record: sum(weights[arm] / (61 + found.index(record)) for arm, found in rankings.items() if record in found)
        for record in {record for found in rankings.values() for record in found}
    }

    fused = fused_records(as_found(rankings, named), weights)
    assert sorted(scores) == sorted(fused)
    assert all((one in named, scores[one]) >= (other in named, scores[other] - 1e-12) for one, other in pairwise(fused))
