"""What is extracted of a document's text: mentions, what they mean, and the sentences that say so."""

from pathlib import Path

import pytest
from medkg_contracts.ir import Chunk, Document, Provenance, Section, SectionType, Span
from medkg_contracts.knowledge import Claim, Claims, Entities
from medkg_contracts.stages import StageContext
from medkg_extract.settings import ExtractSettings
from medkg_extract.stage import ExtractStage

from tests.biolink import problems

CONTEXT = StageContext(tenant_id="default", doc_id="", job_id="j", correlation_id="c", pipeline="auto", digest="0" * 12)
HERE = Provenance(source="else", source_id="1", uri="file:1", sha256="0" * 64)


@pytest.fixture(scope="module")
def settings(vocabulary: Path) -> ExtractSettings:
    """Names are found by a dictionary of three terms."""
    return ExtractSettings(extract_names="dictionary", vocabularies=str(vocabulary))


async def read(settings: ExtractSettings, *texts: tuple[SectionType, str]) -> tuple[Document, Entities, Claims]:
    """A document of these sections, and what it names."""
    sections = [
        Section(id=f"s{number}", type=kind, title="", text=text, provenance=HERE)
        for number, (kind, text) in enumerate(texts)
    ]
    document = Document(id="else:1", source="else", title="A title", sections=sections, provenance=HERE)
    stage = ExtractStage(settings)
    await stage.open()
    return document, *await stage.execute(CONTEXT, [], document, chunks_of(document))


def chunks_of(document: Document) -> list[Chunk]:
    """A chunk of each section."""
    return [
        Chunk(
            id=f"chunk-{section.id}", document_id=document.id, document_title="", source="else", section_id=section.id,
            section_type=section.type, section_title="", ordinal=number, text=section.text, token_count=1,
            span=Span(start=document.offset(section.id), end=document.offset(section.id) + len(section.text)),
        )
        for number, section in enumerate(document.sections)
    ]  # fmt: skip


def of(said: Claims, id_: str) -> Claim:
    """The claim about this term."""
    return next(claim for claim in said.claims if claim.object == id_)


async def test_a_name_is_a_mention_an_entity_and_a_claim(settings: ExtractSettings) -> None:
    """Each is there with what the vocabulary knows of it, and with the sentence that names it."""
    document, entities, said = await read(
        settings, ("title", "Aspirin at home"), ("abstract", "We saw 20 people. Bronchial asthma was treated.")
    )
    claim = of(said, "MESH:D001249")
    mention = entities.mentions[1]

    assert ["MESH:D001241", "MESH:D001249"] == [each.id for each in entities.entities]
    assert ("Asthma", "biolink:Disease", ("DOID:2841",)) == (
        entities.entities[1].name, entities.entities[1].category, entities.entities[1].xrefs,
    )  # fmt: skip
    assert ("MESH:D001249", "Bronchial asthma", "s1", "dictionary") == (
        mention.entity, document.text[mention.span.start : mention.span.end], mention.section_id, mention.recogniser,
    )  # fmt: skip
    assert (entities.document.id, "biolink:mentions", "text_mining_agent") == (
        claim.subject, claim.predicate, claim.agent_type,
    )  # fmt: skip
    assert [("s1", "chunk-s1", "Bronchial asthma was treated.")] == [
        (each.section_id, each.chunk_id, each.quote) for each in claim.evidence
    ]


async def test_what_is_named_is_biolinks(settings: ExtractSettings) -> None:
    """The document, what it names, and that it does, are of the Biolink model."""
    _, entities, said = await read(settings, ("title", "Aspirin for asthma"))

    assert (2, set()) == (len(said.claims), problems(entities, said))


async def test_evidence_is_what_stands_in_the_text(settings: ExtractSettings) -> None:
    """Of a long row of a table, only what is around the name."""
    row = ", ".join(f"value {number}" for number in range(300))
    document, _, said = await read(settings, ("title", "Fever"), ("outcome_measures", f"{row} fever {row}"))
    quotes = [
        (document.text[each.span.start : each.span.end], each.quote) for each in of(said, "MESH:D005334").evidence
    ]

    assert [stands for stands, _ in quotes] == [quoted for _, quoted in quotes]
    assert [5, 605] == [len(quoted) for _, quoted in quotes]


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("No asthma was seen.", "negated"),
        ("No asthma was seen. Asthma is possible in others.", "hedged"),
        ("No asthma was seen. They had asthma before.", None),
    ],
)
async def test_a_claim_says_whether_all_of_the_document_denies_it(
    settings: ExtractSettings, text: str, certainty: str | None
) -> None:
    """It is never negated, as the document does mention it; evidence that says it plainly comes first."""
    _, entities, said = await read(settings, ("abstract", text))
    claim = of(said, "MESH:D001249")

    assert (False, certainty) == (claim.negated, claim.qualifiers.get("certainty"))
    assert entities.mentions[0].negated
    assert text.rpartition(". ")[2] == claim.evidence[0].quote


async def test_further_sentences_are_counted(settings: ExtractSettings) -> None:
    """A claim has twenty at most; all mentions stay."""
    _, entities, said = await read(settings, ("body", " ".join(f"Asthma in case {number}." for number in range(50))))

    assert 20 == len(of(said, "MESH:D001249").evidence)
    assert {"further-sentences": 30} == entities.dropped
    assert 50 == len(entities.mentions)


async def test_what_is_no_prose_of_the_document_is_not_read(settings: ExtractSettings) -> None:
    """Such as who is asked and what else was published; positions are those in the whole text."""
    document, entities, _ = await read(
        settings, ("contacts", "Asthma Centre"), ("references", "Fever. N Engl J Med"), ("abstract", "Fever was seen.")
    )
    (mention,) = entities.mentions

    assert ("s2", "Fever") == (mention.section_id, document.text[mention.span.start : mention.span.end])


async def test_what_took_part_is_told(settings: ExtractSettings, vocabulary: Path) -> None:
    """A run with another vocabulary, or another way of finding names, is another run."""
    _, entities, _ = await read(settings, ("title", "Aspirin"))
    others = [
        settings,
        ExtractSettings(extract_names="off"),
        ExtractSettings(extract_names="tagger", vocabularies=str(vocabulary)),
        ExtractSettings(extract_names="dictionary", vocabularies=f"{vocabulary},doid"),
    ]

    assert ["small"] == list(entities.extraction.digests)
    assert 4 == len({ExtractStage(each).version for each in others})


async def test_the_model_that_comes_with_medkg_reads_abstracts() -> None:
    """Diseases and chemicals are found that no dictionary has as they are written, and are linked to MeSH."""
    _, entities, said = await read(
        ExtractSettings(),
        ("title", "Severe low back pain (LBP) under gabapentin"),
        ("abstract", "LBP was relieved by gabapentin, but one patient had hepatotoxicity."),
    )
    found = {(each.text, each.entity, each.recogniser) for each in entities.mentions}

    assert ("gabapentin", "MESH:D000077206", "tagger") in found
    assert {("LBP", "MESH:D017116")} <= {(text, entity) for text, entity, _ in found}
    assert {"mesh", "doid", "tagger", "linked-names"} == set(entities.extraction.digests)
    assert 0.5 < of(said, "MESH:D000077206").confidence <= 1
