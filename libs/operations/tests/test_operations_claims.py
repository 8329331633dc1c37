"""`medkg eval claims` on an annotated article, with a model that a server in this process plays."""

import re
import shutil
from pathlib import Path

import orjson
import pytest
from medkg_claims import LlmSettings
from medkg_claims.testing import FakeLlm, said
from medkg_contracts.errors import ConfigurationError, InvalidInput
from medkg_contracts.ir import Span
from medkg_contracts.knowledge import Claim, Claims, TextEvidence
from medkg_models.testing import fake_vllm
from medkg_operations.evaluation.claims.collection import read_annotated
from medkg_operations.evaluation.claims.evaluate import ClaimsEvaluation, evaluate_claims
from medkg_operations.evaluation.claims.passages import nearest, passages

FOLDER = Path(__file__).with_name("evidence-inference")
SENTENCE = "more participants in the valerian group perceived their sleep as better or much better"
CLAIM = {
    "quote": SENTENCE,
    "intervention": "valerian",
    "comparator": "placebo",
    "outcome": "perceived their sleep as better or much better",
    "direction": "significantly increased",
    "effects": [],
}


def wanted(**given) -> ClaimsEvaluation:
    return ClaimsEvaluation(
        **({"folder": FOLDER, "artifacts": None, "task": "both", "articles": None, "threshold": 0.5} | given)
    )


def reply(body: dict) -> str:
    """Finds one claim, and says of every comparison that it is no different."""
    asked = body["messages"][1]["content"]
    if "<passages>" in asked:
        quote = "There were no statistically significant effects"
        return orjson.dumps({"quote": quote, "direction": "no significant difference"}).decode()
    return said(CLAIM) if SENTENCE in asked else said()


def test_annotations_are_read_with_their_places():
    """Two ways of writing a direction are one; each place has the words that annotators chose."""
    annotated = read_annotated(FOLDER)
    (article,) = annotated.articles

    assert ["no significant difference", "significantly increased", "no significant difference"] == [
        each.direction for each in article.comparisons
    ]
    assert article.title.startswith("A Televised, Web-Based Randomised Trial")
    assert article.text[article.comparisons[1].evidence[0].start :].startswith(SENTENCE)


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("v2_annotations.csv", "significantly increased", "better", "row 3: the label 'better' is none"),
        ("v2_annotations.csv", "Evidence Start", "Start", "has no column 'Evidence Start'"),
        ("v2_annotations.csv", "True", "False", "no comparison with a valid annotation"),
    ],
)
def test_what_is_no_such_collection_is_refused(tmp_path, file, before, after, message):
    """The message says where."""
    shutil.copytree(FOLDER, tmp_path / "copy")
    path = tmp_path / "copy" / file
    path.write_text(path.read_text().replace(before, after))

    with pytest.raises(InvalidInput, match=message):
        read_annotated(tmp_path / "copy")


def test_annotations_that_are_not_at_their_place_are_counted(tmp_path):
    """They do not count, and are not moved."""
    shutil.copytree(FOLDER, tmp_path / "copy")
    path = tmp_path / "copy" / "v2_annotations.csv"
    path.write_text(path.read_text().replace(",1425,", ",1426,"))

    assert {"annotation_not_at_its_place": 1} == read_annotated(tmp_path / "copy").left_out


def test_passages_are_the_articles_text():
    """They stand at their spans, none is much too long, no word is left out, and a comparison's are found."""
    (article,) = read_annotated(FOLDER).articles
    chunks = passages(article)
    held = {position for each in chunks for position in range(each.span.start, each.span.end)}
    evidence = article.comparisons[2].evidence[0]

    assert all(article.text[each.span.start : each.span.end] == each.text for each in chunks)
    assert max(len(each.text) for each in chunks) < 2500
    left = "".join(letter for position, letter in enumerate(article.text) if position not in held)
    assert all(line.endswith(":") for line in map(str.strip, left.split("\n")) if line)
    assert any(each.span.start <= evidence.start < each.span.end for each in nearest(article.comparisons[2], chunks, 5))


async def test_a_model_is_measured(tmp_path):
    """What it finds, directions of given comparisons, and its quotes; a second time nothing is asked."""
    fake, progress = FakeLlm(reply), []
    with fake_vllm(fake):
        settings = LlmSettings(extract_llm_url=fake.url, artifacts_url=tmp_path.as_uri())
        report, _ = await evaluate_claims(settings, wanted(), lambda *each: progress.append(each))
        asked = len(fake.asked)
        again, _ = await evaluate_claims(settings, wanted(), lambda *_: None)

    assert (1, 1, 1.0, 1 / 3, 0.5) == (
        report.triples.found, report.triples.correct, report.triples.precision, report.triples.recall, report.triples.f1
    )  # fmt: skip
    assert (1.0, 1.0, 1.0) == (
        report.triples.direction_accuracy, report.triples.evidence, report.triples.exact_spans
    )  # fmt: skip
    assert (3, 0, 2 / 3, 2 / 3) == (
        report.direction.asked, report.direction.unanswered, report.direction.accuracy, report.direction.most_frequent
    )  # fmt: skip
    assert (asked, asked, 0) == (len(fake.asked), again.recalled, again.requests)
    assert (report.triples, report.direction, [(0, 1)]) == (again.triples, again.direction, progress)


def artifacts(folder: Path, **qualifiers) -> Path:
    evidence = TextEvidence(section_id="a", span=Span(start=0, end=len(SENTENCE)), quote=SENTENCE)
    claim = Claim(
        document_id="pmc:PMC2002515", subject="MEDKG:valerian", predicate="biolink:affects", object="MEDKG:sleep",
        qualifiers={
            "original_subject": "valerian", "original_object": "sleep perceived as better or much better",
            "comparator": "placebo", "direction": "significantly increased",
        } | qualifiers,
        evidence=(evidence,), knowledge_source="infores:medkg", knowledge_level="statistical_association",
        agent_type="text_mining_agent",
    )  # fmt: skip
    (folder / "claims").write_text(Claims(document_id="pmc:PMC2002515", claims=(claim,)).model_dump_json())
    (folder / "another").write_text("{}")
    return folder


async def test_an_extraction_is_measured_by_its_artifacts(tmp_path):
    """A folder with claims artifacts among others; no model is asked."""
    report, _ = await evaluate_claims(LlmSettings(), wanted(artifacts=artifacts(tmp_path)), lambda *_: None)

    assert (1, 1, 1.0, None, None) == (
        report.triples.found, report.triples.correct, report.triples.exact_spans, report.direction, report.model
    )  # fmt: skip


async def test_there_has_to_be_something_to_measure(tmp_path):
    """Neither a model nor artifacts, and a folder without artifacts, are errors that say so."""
    with pytest.raises(ConfigurationError, match="neither a model"):
        await evaluate_claims(LlmSettings(extract_llm_url=""), wanted(), lambda *_: None)
    with pytest.raises(InvalidInput, match="no claims artifact"):
        await evaluate_claims(LlmSettings(), wanted(artifacts=tmp_path), lambda *_: None)


async def test_the_page_shows_both_sides_and_needs_nothing_else(tmp_path):
    """Evidence is marked on either side, what an article or a model says is text, and nothing is fetched or run."""
    folder = artifacts(tmp_path, comparator="<script>alert(1)</script> placebo")
    _, page = await evaluate_claims(LlmSettings(), wanted(artifacts=folder), lambda *_: None)
    gold, found = (re.findall(f'<mark class="{kind}">(.*?)</mark>', page, re.DOTALL) for kind in ("gold", "found"))

    assert SENTENCE in found
    assert any(SENTENCE in marked for marked in gold)
    assert "&lt;script&gt;alert(1)" in page
    assert [] == re.findall(r"<script|\bsrc=|\bhref=|url\(|@import", page)
