"""Which entities records have."""

from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.ir import Chunk, Span
from medkg_contracts.knowledge import Entities, Entity, Extraction, Mention
from medkg_search import chunk_entities

_SPANS = st.tuples(st.integers(0, 30), st.integers(0, 10)).map(lambda one: Span(start=one[0], end=sum(one)))
_IDS = st.sampled_from(["MESH:D1", "MESH:D2", "DOID:3"])


def chunk(span: Span) -> Chunk:
    return Chunk(
        id=f"c-{span.start}-{span.end}", document_id="d", document_title="t", source="s", section_id="s",
        section_type="body", section_title="b", ordinal=0, text="x", span=span, token_count=1,
    )  # fmt: skip


def mention(span: Span, entity: str | None, *, negated: bool = False) -> Mention:
    return Mention(
        entity=entity, category="biolink:Disease", text="x", span=span, section_id="s", negated=negated,
        recogniser="dictionary",
    )  # fmt: skip


def found(*mentions: Mention, about: tuple[str, ...] = ()) -> Entities:
    document = Entity(id="X:d", category="biolink:Article", name="d")
    made = Extraction(version="1")
    return Entities(document_id="d", document=document, entities=(), about=about, mentions=mentions, extraction=made)


@given(st.lists(_SPANS), st.lists(st.tuples(_SPANS, st.none() | _IDS)), st.lists(_IDS, unique=True))
def test_a_record_has_what_its_chunk_names_and_what_its_document_is_about(
    spans: list[Span], mentioned: list[tuple[Span, str | None]], about: list[str]
) -> None:
    """A mention counts for a chunk in whose text it stands in whole; one that no vocabulary has counts nowhere."""
    records = chunk_entities(
        [chunk(span) for span in spans], found(*(mention(*one) for one in mentioned), about=tuple(about))
    )

    for span, record in zip(spans, records, strict=True):
        inside = [one for at, one in mentioned if one and span.start <= at.start < span.end and at.end <= span.end]

        assert sorted(set(inside)) == record.get("named", [])
        assert sorted({*inside, *about}) == record.get("entities", [])
        assert [] not in record.values()


def test_what_a_text_denies_it_names() -> None:
    """A chunk that says "no history of asthma" is about asthma, for whoever looks for asthma."""
    span = Span(start=0, end=9)
    denied = found(mention(span, "MESH:D001249", negated=True))

    assert [{"named": ["MESH:D001249"], "entities": ["MESH:D001249"]}] == chunk_entities([chunk(span)], denied)


def test_where_nobody_looked_for_entities_records_have_none() -> None:
    """A topology without extraction makes the records that it made before."""
    assert [{}, {}] == chunk_entities([chunk(Span(start=0, end=1)), chunk(Span(start=1, end=2))], None)
