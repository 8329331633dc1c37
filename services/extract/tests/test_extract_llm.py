"""What a language model reads, as entities and claims; a server in this process plays the model."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from medkg_claims.answer import Reply, said_in
from medkg_claims.reading import read
from medkg_claims.testing import PASSAGE, FakeLlm, said
from medkg_contracts.errors import ModelServerUnavailable
from medkg_contracts.ids import digest
from medkg_contracts.ir import Chunk, Document, Provenance, Section, Span
from medkg_contracts.knowledge import Claims, Entities, Entity, Extraction, Mention
from medkg_contracts.stages import StageContext
from medkg_extract.gathering import Gathering, local_id
from medkg_extract.reported import reported
from medkg_extract.settings import ExtractSettings
from medkg_extract.stage import ExtractStage
from medkg_models.testing import fake_vllm

from tests.biolink import problems

CONTEXT = StageContext(
    tenant_id="a-tenant", doc_id="pmc:1", job_id="j", correlation_id="j", pipeline="p", digest="d" * 12
)
TEXT = f"Background.\n\n{PASSAGE}"
SUBJECT, OBJECT = local_id("intervention", "Meloxicam"), local_id("outcome", "pain")
NO_DIFFERENCE = {"direction": "no significant difference", "effects": []}


@pytest.fixture
def server() -> Iterator[FakeLlm]:
    fake = FakeLlm(lambda _: said({}))
    with fake_vllm(fake):
        yield fake


@pytest.fixture
async def stage(server: FakeLlm, tmp_path: Path) -> AsyncIterator[ExtractStage]:
    stage = ExtractStage(settings(server, tmp_path))
    await stage.open()
    yield stage
    await stage.close()


def settings(server: FakeLlm, folder: Path) -> ExtractSettings:
    return ExtractSettings(extract_llm_url=server.url, artifacts_url=folder.as_uri(), extract_names="off")


def document() -> Document:
    provenance = Provenance(source="pmc", source_id="1", uri="pmc:1", sha256="0" * 64)
    section = Section(id="abstract", type="abstract", title="Abstract", text=TEXT, provenance=provenance)
    return Document(id="pmc:1", source="pmc", title="A trial", sections=[section], provenance=provenance)


def chunk() -> Chunk:
    start = TEXT.index(PASSAGE)
    return Chunk(
        id="c1", document_id="pmc:1", document_title="A trial", source="pmc", section_id="abstract",
        section_type="abstract", section_title="Abstract", ordinal=0, text=PASSAGE,
        span=Span(start=start, end=len(TEXT)), token_count=1,
    )  # fmt: skip


async def extracted(stage: ExtractStage) -> tuple[Entities, Claims]:
    return await stage.execute(CONTEXT, [], document(), [chunk()])


async def test_a_result_is_a_claim_with_its_sentence(stage):
    """The intervention affects the outcome; direction, comparator and numbers belong to the statement."""
    entities, (claim,) = (made := await extracted(stage))[0], made[1].claims
    (evidence,) = claim.evidence

    assert (SUBJECT, "biolink:affects", OBJECT, False) == (
        claim.subject, claim.predicate, claim.object, claim.negated
    )  # fmt: skip
    assert {
        "direction": "significantly decreased", "object_direction_qualifier": "decreased", "comparator": "placebo",
        "original_subject": "Meloxicam", "original_object": "pain", "estimate_type": "mean difference",
        "estimate": -4.2, "lower_limit": -6.1, "upper_limit": -2.3, "p_value": 0.001, "p_value_text": "< 0.001",
    } == claim.qualifiers  # fmt: skip
    assert (PASSAGE, "c1", "llm") == (evidence.quote, evidence.chunk_id, claim.model)
    assert TEXT[evidence.span.start : evidence.span.end] == evidence.quote
    assert {"Meloxicam", "pain"} <= {entity.name for entity in entities.entities}


async def test_no_difference_is_denied_and_stands_beside_what_contradicts_it(server, stage):
    """A claim that an outcome is affected, and one that it is not, are two claims."""
    server.reply = lambda _: said({}, NO_DIFFERENCE)
    _, claims = await extracted(stage)

    assert {False: "significantly decreased", True: "no significant difference"} == {
        claim.negated: claim.qualifiers["direction"] for claim in claims.claims
    }


async def test_what_is_read_is_of_the_biolink_model(server, stage):
    """Categories, predicates, qualifiers, level and agent."""
    server.reply = lambda _: said({}, NO_DIFFERENCE, entities=({"name": "pain", "kind": "disease"},))

    assert set() == problems(*await extracted(stage))


async def test_the_extraction_says_what_read_and_what_was_dropped(server, stage):
    """Model, prompt and schema by their digests; claims that the text does not bear out by their reasons."""
    server.reply = lambda _: said({"quote": "Meloxicam cured everybody."}, {"intervention": "pain"})
    entities, _ = await extracted(stage)

    assert {"llm", "llm-prompt-claims-1", "llm-schema-claims-1"} <= set(entities.extraction.digests)
    assert digest(server.name, server.root, "None") == entities.extraction.digests["llm"]
    assert {"quote_not_in_text": 1, "claim_about_itself": 1} == entities.dropped


async def test_a_second_run_asks_nothing_and_makes_the_same(server, stage, tmp_path):
    """In another process, too, for the same tenant."""
    first = await extracted(stage)
    asked = len(server.asked)
    other = ExtractStage(settings(server, tmp_path))
    await other.open()
    again = await extracted(other)
    await other.close()

    assert (1, 1, first) == (asked, len(server.asked), again)


async def test_a_server_that_is_down_ends_the_start_and_fails_a_job_for_now(server, stage, tmp_path):
    """Both are errors that another try may mend."""
    server.down = True
    other = ExtractStage(settings(server, tmp_path))
    for failing in (other.open(), extracted(stage)):
        with pytest.raises(ModelServerUnavailable):
            await failing
    await other.close()


async def test_without_an_address_no_model_is_asked(server, tmp_path):
    """Which is the default."""
    stage = ExtractStage(ExtractSettings(artifacts_url=tmp_path.as_uri(), extract_names="off"))
    await stage.open()
    _, claims = await extracted(stage)
    await stage.close()

    assert ([], ()) == (server.asked, claims.claims)


def mention(text: str, entity: str | None) -> Mention:
    start = TEXT.index(text)
    span = Span(start=start, end=start + len(text))
    return Mention(
        entity=entity, category="biolink:Drug", text=text, span=span, section_id="abstract", recogniser="tagger"
    )


@pytest.mark.parametrize(
    ("intervention", "expected"),
    [
        ("meloxicam", {("MESH:D000077239", "biolink:affects", OBJECT)}),
        (
            "Meloxicam lowered",
            {
                (local_id("intervention", "Meloxicam lowered"), "biolink:affects", OBJECT),
                (local_id("intervention", "Meloxicam lowered"), "biolink:related_to", "MESH:D000077239"),
            },
        ),
    ],
)
def test_recognised_names_are_what_they_mean(intervention, expected):
    """A name that was recognised as a whole is the vocabulary's term; one of which a part was is tied to it."""
    gathering = Gathering("pmc:1", Entity(id="MEDKG:pmc:1", category="biolink:Article", name="A trial"))
    gathering.have(Entity(id="MESH:D000077239", category="biolink:Drug", name="Meloxicam"))
    gathering.mention(mention("Meloxicam", "MESH:D000077239"))
    reported(read(chunk(), said_in(Reply(said({"intervention": intervention})))), gathering)
    _, claims = gathering.results(Extraction(version="1"))

    assert expected == {(claim.subject, claim.predicate, claim.object) for claim in claims.claims}


def test_what_a_model_names_stands_beside_what_was_recognised():
    """A mention by the model is kept where nothing else was recognised."""
    gathering = Gathering("pmc:1", Entity(id="MEDKG:pmc:1", category="biolink:Article", name="A trial"))
    gathering.mention(mention("Meloxicam", None))
    named = ({"name": "meloxicam", "kind": "chemical"}, {"name": "pain", "kind": "disease"})
    reported(read(chunk(), said_in(Reply(said(entities=named)))), gathering)
    entities, _ = gathering.results(Extraction(version="1"))

    assert [("Meloxicam", "tagger"), ("pain", "llm")] == [(each.text, each.recogniser) for each in entities.mentions]
