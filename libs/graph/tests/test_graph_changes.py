"""What has to be written: only what differs, and nothing where nothing does."""

import pytest
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Span
from medkg_contracts.knowledge import Claims, Extraction, TextEvidence
from medkg_graph import facts_of
from medkg_graph.changes import Present, change, removal

from .facts import claim, entities_of, facts

NAMES = {"MESH:D1": "pain", "MESH:D2": "drug"}
TREATS = claim("t1", "MESH:D2", "biolink:treats", "MESH:D1")
RELATED = claim("t1", "MESH:D1", "biolink:related_to", "MESH:D2")


def present(of):
    return Present(of.digest, [row.id for row in of.entities], [row.key for row in of.claims])


def test_the_same_facts_are_not_written_again() -> None:
    """Where the graph has them already there is nothing to do, in whatever order they were found."""
    one, other = facts("t1", NAMES, [TREATS, RELATED]), facts("t1", NAMES, [RELATED, TREATS])

    assert change(other, present(one)) is None


def test_only_what_differs_is_written() -> None:
    """A claim that stays is left alone, a new one is added, one that is gone is dropped and counted."""
    before, after = facts("t1", NAMES, [TREATS]), facts("t1", {"MESH:D1": "pain", "MESH:D3": "drug"}, [
        claim("t1", "MESH:D3", "biolink:treats", "MESH:D1")
    ])  # fmt: skip
    made = change(after, present(before))

    assert made is not None
    assert (["MESH:D3"], [("TREATS", TREATS.id)], ("MESH:D2",), 1) == (
        [row.subject for row in made.adds],
        list(made.drops),
        made.abandons,
        made.removed,
    )


def test_a_claim_with_other_evidence_is_replaced_and_not_counted_as_removed() -> None:
    """The document still says so, elsewhere."""
    moved = claim("t1", "MESH:D2", "biolink:treats", "MESH:D1", value="y")
    made = change(facts("t1", NAMES, [moved]), present(facts("t1", NAMES, [TREATS])))

    assert made is not None
    assert ([TREATS.id], [("TREATS", TREATS.id)], 0) == ([row.id for row in made.adds], list(made.drops), made.removed)


def test_a_removed_document_leaves_nothing() -> None:
    """All that it had is dropped and abandoned."""
    had = facts("t1", NAMES, [TREATS, RELATED])
    made = removal("one", "t1", present(had))

    assert ({TREATS.id, RELATED.id}, {"MESH:D1", "MESH:D2", "TRIAL:t1"}, 2, "") == (
        {id_ for _, id_ in made.drops},
        set(made.abandons),
        made.removed,
        made.digest,
    )


def test_a_claim_about_an_unknown_entity_is_refused() -> None:
    """It would have no end in the graph."""
    with pytest.raises(InvalidDocument, match="claims something of MESH:D2, which is none of its entities"):
        facts("t1", {"MESH:D1": "pain"}, [TREATS])


def test_an_edge_has_all_of_its_provenance() -> None:
    """Who says so, by which publications, where, what read it out of the text, and by which extraction it was found."""
    read = TREATS.model_copy(update={
        "publications": ("PMID:1",), "model": "llm",
        "evidence": (TextEvidence(section_id="abstract", chunk_id="c1", span=Span(start=3, end=7), quote="drug"),),
    })  # fmt: skip
    entities = entities_of("t1", NAMES).model_copy(
        update={"extraction": Extraction(version="2", digests={"llm": "a" * 64, "prompt": "b" * 64})}
    )
    (edge,) = facts_of("one", entities, Claims(document_id="t1", claims=(read,))).claims
    where = '{"kind":"text","section_id":"abstract","chunk_id":"c1","span":{"start":3,"end":7},"quote":"drug"}'
    wanted = {
        "knowledge_source": "infores:clinicaltrials-gov", "publications": ["PMID:1"], "model": "llm", "extraction": "2",
        "digests": [f"llm={'a' * 64}", f"prompt={'b' * 64}"],
        "evidence": [where],
    }  # fmt: skip

    assert wanted == {name: value for name, value in edge.properties.items() if name in wanted}


def test_claims_of_another_document_are_refused() -> None:
    """Both artifacts are of one document."""
    with pytest.raises(InvalidDocument, match="entities of t1, but claims of t2"):
        facts_of("one", entities_of("t1", NAMES), Claims(document_id="t2", claims=()))


def test_a_qualifier_cannot_take_the_place_of_what_the_graph_keeps() -> None:
    """Such as whose document it is."""
    with pytest.raises(InvalidDocument, match="an attribute 'evidence', which the graph itself uses"):
        facts("t1", NAMES, [claim("t1", "MESH:D2", "biolink:treats", "MESH:D1", evidence="x")])
