"""What is extracted of real works of OpenAlex: exactly what stands in them, with where it stands."""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.ir import Document, Provenance, RawPayload, Section
from medkg_contracts.knowledge import Claim, Claims, Entities, Entity
from medkg_contracts.stages import StageContext
from medkg_extract.settings import ExtractSettings
from medkg_extract.stage import ExtractStage

from tests.biolink import problems

Said: TypeAlias = tuple[RawPayload, Entities, Claims]
LeavesOf: TypeAlias = Callable[[RawPayload], dict[str, str]]

CONTEXT = StageContext(tenant_id="default", doc_id="", job_id="j", correlation_id="c", pipeline="auto", digest="0" * 12)
WORKS = [orjson.loads(line) for line in (Path(__file__).parent / "data/openalex_works.jsonl").read_bytes().splitlines()]

STAGE = ExtractStage(ExtractSettings(extract_names="off"))

#: What has to be a fact wherever a record has it, by its pointer.
WANTED = {
    "an author": r"/authorships/\d+/author/(display_name|id|orcid)",
    "an institution": r"/authorships/\d+/institutions/\d+/(display_name|id|ror)",
    "a MeSH heading": r"/mesh/\d+/(descriptor|qualifier)_ui",
    "a topic": r"/topics/\d+/(id|score|subfield/id|field/id|domain/id)",
    "a concept": r"/concepts/\d+/(id|score|wikidata)",
    "a keyword": r"/keywords/\d+/(id|score)",
    "a goal": r"/sustainable_development_goals/\d+/(display_name|score)",
    "a cited work": r"/referenced_works/\d+",
    "a funder": r"/funders/\d+/(id|display_name)",
    "a grant": r"/grants/\d+/(funder|award_id)",
    "a source": r"/(primary_location/source|host_venue)/(id|display_name)",
    "a publisher": r"/primary_location/source/host_organization|/host_venue/publisher",
}


def extracted(record: Any) -> Said:
    """What the stage makes of a record."""
    body = orjson.dumps(record)
    digest, uri = hashlib.sha256(body).hexdigest(), "https://api.openalex.org/works/W1"
    payload = RawPayload(
        source="openalex", source_id="W1", uri=uri, media_type="application/json", body=body.decode(), sha256=digest
    )
    provenance = Provenance(source="openalex", source_id="W1", uri=uri, sha256=digest)
    section = Section(id="title", type="title", title="Title", text="A work", provenance=provenance)
    document = Document(id="openalex:W1", source="openalex", title="A work", sections=[section], provenance=provenance)
    return payload, *asyncio.run(STAGE.execute(CONTEXT, [payload], document, []))


@pytest.fixture(scope="module")
def works() -> Mapping[str, Said]:
    """What is extracted of each recorded work, by its id."""
    return {work["id"].rpartition("/")[2]: extracted(work) for work in WORKS}


@pytest.mark.parametrize("what", WANTED)
def test_nothing_of_a_kind_is_left_out(what: str, works: Mapping[str, Said], leaves_of: LeavesOf) -> None:
    """Every field of the kind, in every recorded work, is evidence of a claim."""
    kind = re.compile(WANTED[what])
    leaves = {work: leaves_of(payload) for work, (payload, _, _) in works.items()}
    wanted = {
        (work, at) for work, its in leaves.items() for at, text in its.items() if kind.fullmatch(at) and text != "None"
    }
    proved = {
        (work, part.pointer) for work, (_, _, said) in works.items() for claim in said.claims for part in claim.evidence
    }

    assert wanted
    assert set() == wanted - proved


def test_evidence_is_what_stands_there(works: Mapping[str, Said], leaves_of: LeavesOf) -> None:
    """Each piece of evidence quotes the very field that its pointer leads to."""
    for payload, _, said in works.values():
        there = leaves_of(payload)
        parts = [part for claim in said.claims for part in claim.evidence]

        assert [(payload.sha256, there[part.pointer][:1000]) for part in parts] == [
            (part.payload, part.value) for part in parts
        ]


def test_all_of_it_is_biolinks(works: Mapping[str, Said]) -> None:
    """Categories, predicates with what they may tie, prefixes, levels and agents are those of the model."""
    assert set() == {told for _, entities, said in works.values() for told in problems(entities, said)}


def test_nothing_of_real_works_is_dropped(works: Mapping[str, Said]) -> None:
    """All forms of records that OpenAlex has had are known."""
    assert {} == dict(sum((Counter(entities.dropped) for _, entities, _ in works.values()), Counter()))


def test_a_work_goes_by_the_id_that_others_know(works: Mapping[str, Said]) -> None:
    """PMID before OpenAlex's own, the others beside it; by its own other works cite it."""
    _, entities, said = works["W2045657963"]
    (same,) = claims_of(said, "same_as")

    assert (
        Entity(
            id="PMID:24109559",
            category="biolink:Article",
            name="Data reuse and the open data citation advantage",
            xrefs=("openalex:W2045657963", "doi:10.7717/peerj.175", "PMCID:PMC3792178"),
            attributes=entities.document.attributes,
        )
        == entities.document
    )
    assert ("PMID:24109559", "openalex:W2045657963") == (same.subject, same.object)


def test_a_work_without_pmid_has_openalexs(works: Mapping[str, Said]) -> None:
    """Then nothing needs to be said to be the same."""
    _, entities, said = works["W2398849157"]

    assert ("openalex:W2398849157", []) == (entities.document.id, claims_of(said, "same_as"))


def test_authors_are_told_in_their_order(works: Mapping[str, Said]) -> None:
    """By ORCID where they have one, with position and whether one writes to them."""
    _, _, said = works["W2154416934"]
    authors = sorted(claims_of(said, "has_author"), key=lambda claim: claim.qualifiers["order"])
    record = next(work for work in WORKS if work["id"].endswith("W2154416934"))
    expected = [
        (
            f"ORCID:{each['author']['orcid'].rpartition('/')[2]}" if each["author"]["orcid"]
            else f"openalex:{each['author']['id'].rpartition('/')[2]}",
            number, each["author_position"], each["is_corresponding"],
        )
        for number, each in enumerate(record["authorships"], 1)
    ]  # fmt: skip

    assert expected == [
        (each.object, each.qualifiers["order"], each.qualifiers["position"], each.qualifiers["corresponding"])
        for each in authors
    ]


def test_the_same_name_in_two_works_is_not_one_author() -> None:
    """Without an id nobody knows whether they are one."""
    authorship = {"author": {"id": None, "display_name": "J. Smith"}, "author_position": "first", "institutions": []}
    ids = [
        claims_of(said, "has_author")[0].object
        for _, _, said in [extracted({"id": f"W{number}", "authorships": [authorship]}) for number in (1, 2)]
    ]

    assert 2 == len(set(ids))


def test_what_openalex_has_read_out_of_the_text_is_a_prediction(works: Mapping[str, Said]) -> None:
    """Topics, concepts and keywords have their scores; headings, authors and citations are assertions."""
    for _, _, said in works.values():
        predicted = {claim.qualifiers.get("role") for claim in said.claims if claim.knowledge_level == "prediction"}
        scored = [claim for claim in said.claims if "score" in claim.qualifiers]

        assert predicted <= {"topic", "concept", "keyword", "sustainable_development_goal"}
        assert {"prediction"} >= {claim.knowledge_level for claim in scored}


def test_a_work_is_about_its_headings(works: Mapping[str, Said]) -> None:
    """Those are what a search that filters by entities finds it by."""
    payload, entities, _ = works["W2577479404"]
    headings = {f"MESH:{each['descriptor_ui']}" for each in orjson.loads(payload.body)["mesh"]}

    assert sorted(headings) == list(entities.about)


def test_a_retraction_is_told() -> None:
    """On the work itself, where whoever asks the graph sees it."""
    _, entities, _ = extracted({**WORKS[0], "is_retracted": True})

    assert entities.document.attributes["is_retracted"] is True


def test_what_is_of_another_form_is_counted() -> None:
    """Nothing fails for it, and nothing is made of it."""
    record = {"id": "W1", "authorships": {"a": 1}, "concepts": [5, {"id": "C1", "score": "high"}], "doi": "none"}
    _, entities, said = extracted(record)

    assert {"authorships_malformed": 1, "concepts_malformed": 1, "doi_malformed": 1, "score_malformed": 1} == dict(
        entities.dropped
    )
    assert ["openalex:C1"] == [claim.object for claim in said.claims]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5) | st.sampled_from(["https://openalex.org/W1", "10.1/ a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "x"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@given(st.data())
def test_no_change_of_form_is_a_failure(data: st.DataObject) -> None:
    """Whatever takes the place of whichever field, claims are made of the rest, each of entities that are told."""
    record = deepcopy(data.draw(st.sampled_from(WORKS)))
    record.pop("abstract_inverted_index", None)
    for _ in range(data.draw(st.integers(1, 4))):
        at: Any = record
        key = data.draw(st.sampled_from(keys(at)))
        while isinstance(at[key], dict | list) and at[key] and data.draw(st.integers(0, 3)):
            at = at[key]
            key = data.draw(st.sampled_from(keys(at)))
        at[key] = data.draw(VALUES)
    _, entities, said = extracted(record)

    assert {end for claim in said.claims for end in (claim.subject, claim.object)} <= {
        entities.document.id, *(each.id for each in entities.entities)
    }  # fmt: skip


@pytest.mark.parametrize("record", [[], 5, None, "work"])
def test_a_record_that_is_no_object_says_nothing(record: Any) -> None:
    """The document is known by its own id."""
    _, entities, said = extracted(record)

    assert (True, ()) == (entities.document.id.startswith("MEDKG:document-"), said.claims)


def keys(value: Any) -> list[Any]:
    return sorted(value) if isinstance(value, dict) else list(range(len(value)))


def claims_of(said: Claims, predicate: str) -> list[Claim]:
    return [claim for claim in said.claims if claim.predicate == f"biolink:{predicate}"]
