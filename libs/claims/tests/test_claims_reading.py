"""What of an answer a passage bears out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_claims.answer import Reply, direction_in, said_in
from medkg_claims.prompt import CLAIMS, DIRECTION, prompt
from medkg_claims.reading import Effect, read
from medkg_claims.selection import chosen
from medkg_claims.testing import CLAIM, PASSAGE, said
from medkg_contracts.ir import Chunk, Span

EFFECT = CLAIM["effects"][0]
PIECES = st.text("Melxicam pnd\u22124.2\n", max_size=60)


def chunk(text: str = PASSAGE, *, start: int = 100, ordinal: int = 0, kind: str = "abstract", title: str = "") -> Chunk:
    return Chunk(
        id=f"c{ordinal}", document_id="pmc:1", document_title="Meloxicam in shoulder injury", source="pmc",
        section_id="s", section_type=kind, section_title=title, ordinal=ordinal, text=text,
        span=Span(start=start, end=start + len(text)), token_count=1,
    )  # fmt: skip


def reading(*claims: dict, **more):
    return read(chunk(), said_in(Reply(said(*claims, **more))))


def test_a_result_is_read_with_its_numbers_and_its_place():
    """Names are as the text has them, numbers are numbers, and the quote is the text's, where it stands in it."""
    (claim,) = reading({}).claims

    assert ("Meloxicam", "placebo", "pain", "significantly decreased") == (
        claim.intervention, claim.comparator, claim.outcome, claim.direction
    )  # fmt: skip
    assert (Effect("mean difference", -4.2, -6.1, -2.3, 0.001, "< 0.001"),) == claim.effects
    assert (PASSAGE, "c0", 100, 100 + len(PASSAGE)) == (
        claim.evidence.quote, claim.evidence.chunk_id, claim.evidence.span.start, claim.evidence.span.end
    )  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ({"quote": "Meloxicam cured everybody."}, "quote_not_in_text"),
        ({"intervention": "aspirin"}, "intervention_not_in_text"),
        ({"outcome": "death"}, "outcome_not_in_text"),
        ({"direction": "better"}, "claim_malformed"),
        ({"effects": "none"}, "claim_malformed"),
    ],
)
def test_a_result_that_the_passage_does_not_bear_out_is_dropped_and_counted(claim, reason):
    """By its reason; what else is in the answer stays."""
    found = reading(claim, {})

    assert (1, {reason: 1}) == (len(found.claims), dict(+found.dropped))


def test_a_number_or_a_comparator_that_is_not_there_is_left_out_and_counted():
    """The result stays without it."""
    found = reading({"comparator": "morphine", "effects": [EFFECT | {"estimate": "-42", "p_value": "0.05"}]})

    assert {"comparator_not_in_text": 1, "number_not_in_quote": 2} == dict(+found.dropped)
    assert ("", (Effect("mean difference", None, -6.1, -2.3, None, ""),)) == (
        found.claims[0].comparator, found.claims[0].effects
    )  # fmt: skip


def test_effects_without_any_number_are_none():
    """A measure alone says nothing."""
    assert () == reading({"effects": [dict.fromkeys(EFFECT, "") | {"measure": "mean"}]}).claims[0].effects


def test_names_may_stand_in_the_title():
    """A passage need not repeat what the article is about."""
    assert "shoulder injury" == reading({"outcome": "Shoulder injury"}).claims[0].outcome


def test_entities_are_mentions_where_the_passage_names_them():
    """Each once, with its place in the document; one that is not named is counted."""
    drug = {"name": "meloxicam", "kind": "chemical"}
    found = reading(entities=(drug, drug, {"name": "gout", "kind": "disease"}))

    assert [("Meloxicam", "biolink:ChemicalEntity", 100, 109, "llm")] == [
        (each.text, each.category, each.span.start, each.span.end, each.recogniser) for each in found.mentions
    ]
    assert {"entity_not_in_text": 1} == dict(+found.dropped)


@given(
    st.text(alphabet="Melxicam pnd\u22124.2\n", max_size=60), st.text(alphabet="Melxicam pnd\u22124.2\n", max_size=60)
)
def test_every_quote_stands_in_the_text(text, quote):
    """Whatever a model quotes from whatever text: what is kept stands at its span."""
    passage = chunk(f"{text} {PASSAGE}", start=7)
    document = "x" * 7 + passage.text
    said_by_model = said_in(Reply(said({"quote": quote}, {"quote": text}, {})))
    kept = read(passage, said_by_model).claims

    assert kept
    assert all(document[each.evidence.span.start : each.evidence.span.end] == each.evidence.quote for each in kept)


@given(st.integers(0, 900))
def test_of_a_cut_answer_what_came_before_the_cut_counts(length):
    """Whole claims are read, wherever the answer was cut; an answer that was not cut has to be whole."""
    whole = said({}, {})[:length]
    cut, uncut = said_in(Reply(whole, is_cut=True)), said_in(Reply(whole))

    assert whole.count('"effects":') >= (0 if cut is None else len(cut.claims))
    assert uncut is None or length >= len(said({}, {}))


@pytest.mark.parametrize("content", ["", "no", "[]", '{"claims": 1}', '{"entities": []}'])
def test_what_is_no_such_object_is_no_answer(content):
    """Neither JSON of another form nor none at all is read."""
    assert said_in(Reply(content)) is None


def test_a_direction_is_read_or_none():
    """Of an answer to a given comparison."""
    assert (
        "no significant difference"
        == direction_in(Reply('{"quote": "q", "direction": "no significant difference"}')).direction
    )
    assert direction_in(Reply('{"quote": "q", "direction": "up"}')) is None


def test_the_abstract_is_read_first_then_results_then_conclusions():
    """The rest comes last, references and a registry's fields are not read, and what is over the bound is counted."""
    chunks = [
        chunk(ordinal=number, kind=kind, title=title)
        for number, (kind, title) in enumerate(
            [("body", "Methods"), ("body", "Discussion"), ("body", "Primary outcome"), ("abstract", "Background"),
             ("references", "References"), ("arms", "Arms"), ("abstract", "Results")]
        )
    ]  # fmt: skip
    wanted, left_out = chosen(chunks, 4)

    assert ([3, 6, 2, 1], 1) == ([each.ordinal for each in wanted], left_out)


@pytest.mark.parametrize("name", [CLAIMS, DIRECTION])
def test_prompts_have_all_their_parts(name):
    """What is asked says which directions there are, as the schema does, and has a place for the text."""
    asked = prompt(name)

    assert "no significant difference" in asked.system
    assert "no significant difference" in str(asked.schema)
    assert "$text" in asked.user.template
    assert asked.again
