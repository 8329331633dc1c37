"""The extract stage reads a real article by a real language model, the smallest that there is.

It proves the path: SmolLM2 has 135 million parameters, and hardly reads a result right.
"""

from pathlib import Path
from time import perf_counter

import jsonschema
import pytest
from medkg_artifacts import ArtifactStore
from medkg_claims import ClaimReader, LlmSettings, StoredAnswers
from medkg_claims.answer import Reply
from medkg_claims.prompt import CLAIMS, prompt
from medkg_contracts.stages import StageContext
from medkg_extract.settings import ExtractSettings
from medkg_extract.stage import ExtractStage
from medkg_operations.evaluation.claims.evaluate import ClaimsEvaluation, evaluate_claims
from pydantic_core import from_json

from tests.biolink import problems

from .article import FOLDER, article, given
from .engine import serving

pytestmark = [pytest.mark.llm, pytest.mark.timeout(1800)]

CHUNKS = 2
CONTEXT = StageContext(
    tenant_id="default", doc_id="pmc:PMC2002515", job_id="j", correlation_id="j", pipeline="auto", digest="0" * 12
)


def llm(url: str, store: Path) -> dict[str, object]:
    return {
        "extract_llm_url": url, "extract_llm_timeout_s": 600, "extract_llm_max_tokens": 512,
        "extract_llm_chunks": CHUNKS,
        "extract_llm_concurrency": 1, "artifacts_url": store.as_uri(),
    }  # fmt: skip


class Recorded:
    """Keeps what a reader's server has answered."""

    def __init__(self, reader: ClaimReader) -> None:
        self.replies: list[Reply] = []
        complete = reader._server.complete

        async def recorded(request: dict[str, object]) -> Reply:
            self.replies.append(await complete(request))
            return self.replies[-1]

        reader._server.complete = recorded


def results_of(reply: Reply) -> list[object]:
    """The results in an answer, but for one within which it was cut; each is valid, and so is a whole answer."""
    schema = prompt(CLAIMS).schema
    answer = from_json(reply.content, allow_partial=reply.is_cut)
    results = answer["claims"][:-1] if reply.is_cut else answer["claims"]
    for result in results:
        jsonschema.validate(result, schema["properties"]["claims"]["items"])
    if not reply.is_cut:
        jsonschema.validate(answer, schema)
    return results


async def test_answers_have_the_schema_and_a_rerun_asks_nothing(tmp_path: Path) -> None:
    """Results are valid up to where an answer was cut, quotes stand in the article, and reading twice asks once."""
    _, chunks = given(article())
    answers = StoredAnswers(ArtifactStore(tmp_path / "store"), "default")
    with serving(tmp_path / "log") as url:
        reader = ClaimReader(url, LlmSettings(**llm(url, tmp_path / "store")))
        await reader.open()
        recorded = Recorded(reader)
        began = perf_counter()
        first = await reader.read(chunks, answers)
        took, asked = perf_counter() - began, reader.usage.requests
        again = await reader.read(chunks, answers)
        usage = reader.usage
        await reader.close()

    results = [result for reply in recorded.replies for result in results_of(reply)]
    cut = sum(reply.is_cut for reply in recorded.replies)
    print(
        f"\n{asked} requests, {cut} answers cut, {len(results)} results valid by the schema; {took:.0f} s, "
        f"{usage.prompt_tokens} tokens read, {usage.answer_tokens} written; {len(first.claims)} claims, "
        f"{len(first.mentions)} mentions, dropped: {dict(first.dropped)}"
    )
    assert (CHUNKS, CHUNKS, CHUNKS) == (asked, usage.requests, usage.recalled)
    assert first == again
    assert results
    text = article().text
    for evidence in (claim.evidence for claim in first.claims):
        assert evidence.quote == text[evidence.span.start : evidence.span.end]


async def test_the_stage_extracts_by_the_model(tmp_path: Path) -> None:
    """What comes out is of the Biolink model, says what read it, and is the same the second time."""
    document, chunks = given(article())
    with serving(tmp_path / "log") as url:
        stage = ExtractStage(ExtractSettings(extract_names="off", **llm(url, tmp_path / "store")))
        await stage.open()
        made = [await stage.execute(CONTEXT, [], document, chunks) for _ in range(2)]
        usage = stage._reader.usage
        await stage.close()

    entities, claims = made[0]
    print(f"\n{len(claims.claims)} claims, {len(entities.mentions)} mentions, dropped: {entities.dropped}")
    assert (CHUNKS, CHUNKS) == (usage.requests, usage.recalled)
    assert made[0] == made[1]
    assert set() == problems(entities, claims)
    assert "llm" in entities.extraction.digests


async def test_a_model_is_measured(tmp_path: Path) -> None:
    """Directions of given comparisons: all are answered, and the numbers add up."""
    with serving(tmp_path / "log") as url:
        settings = LlmSettings(**llm(url, tmp_path / "store"))
        wanted = ClaimsEvaluation(FOLDER, None, "direction", None, 0.5)
        report, page = await evaluate_claims(settings, wanted, lambda *_: None)

    print(f"\n{report.direction}")
    assert (3, 0) == (report.direction.asked, report.direction.unanswered)
    assert "Given comparisons" in page
