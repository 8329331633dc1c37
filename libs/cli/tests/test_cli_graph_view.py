"""What the knowledge graph answers is shown for people."""

from collections.abc import Iterable
from typing import Any

import pytest
from medkg_cli.graph_cypher import parameter, rows_view
from medkg_cli.graph_trials_view import tried_view
from medkg_cli.graph_view import found_view, neighbourhood_view, paths_view, statements_view
from medkg_contracts.ir import Span
from medkg_contracts.knowledge import RecordEvidence, TextEvidence
from medkg_graph.cypher import Rows
from medkg_graph.trials import Comparison, Intervention, Measured, Outcome, Tried, TriedIn
from medkg_graph.views import (
    Balance,
    ClaimView,
    Found,
    Neighbour,
    Neighbourhood,
    NodeView,
    Paths,
    PathView,
    Statements,
)
from rich.console import Console, RenderableType

PAIN = NodeView(id="MESH:D017116", category="biolink:Disease", name="Low Back Pain", documents=12)
DRUG = NodeView(id="MESH:D1", category="biolink:Drug", name="Drug")
FIELD = RecordEvidence(payload="0" * 64, pointer="/a/pValue", value="<0.001")


def claim(**more: Any) -> ClaimView:
    said: dict[str, Any] = {
        "id": "c", "subject": DRUG.id, "subject_name": DRUG.name, "predicate": "biolink:treats", "object": PAIN.id,
        "object_name": PAIN.name, "negated": False, "document": "ctgov:NCT00000001", "qualifiers": {},
        "evidence": [FIELD], "knowledge_source": "infores:x", "knowledge_level": "observation",
        "agent_type": "manual_agent", "publications": ["CLINICALTRIALS:NCT00000001"], "confidence": 1.0,
        "extraction": "1", "digests": [], "model": None,
    }  # fmt: skip
    return ClaimView(**(said | more))


def balance(*claims: ClaimView, said: int = 1, increased: int = 0, decreased: int = 0) -> Balance:
    return Balance(
        subject=DRUG.id, subject_name=DRUG.name, predicate="biolink:treats", object=PAIN.id, object_name=PAIN.name,
        supporting=1, contradicting=1, said=said, claims=list(claims), increased=increased, decreased=decreased,
    )  # fmt: skip


def printed(shown: Iterable[RenderableType]) -> list[str]:
    console = Console(width=160, markup=False)
    with console.capture() as captured:
        for each in shown:
            console.print(each)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_entities_are_a_line_each() -> None:
    """With id, category, name, and how many documents say something of them; that there are others is said."""
    heads, row, more = printed(found_view(Found(entities=[PAIN], more=True)))

    assert ["id", "category", "name", "documents"] == heads.split()
    assert ["MESH:D017116", "Disease", "Low", "Back", "Pain", "12"] == row.split()
    assert "there are more entities: --limit" == more


def test_no_entity_is_said() -> None:
    """An empty answer is no error."""
    assert ["nothing found"] == printed(found_view(Found(entities=[], more=False)))


def test_a_statement_says_where_directions_differ() -> None:
    """How many documents say that the outcome rises, and how many that it falls."""
    found = Statements(
        entity=DRUG, other=PAIN, statements=[balance(increased=2, decreased=1)], more=False, complete=True
    )
    first = printed(statements_view(found, 0))[0]

    assert first.endswith("1 document says so (2 increased, 1 decreased), 1 denies it")


def test_a_statement_names_who_says_so_and_where() -> None:
    """Study, arms, estimate, interval, p-value, direction, and the field; then who denies it, with the sentence."""
    result = {
        "groups": ["A", "B"], "estimate": -1.5, "estimate_type": "Mean Difference", "lower_limit": -3.0,
        "upper_limit": 0.25, "confidence_percent": 95.0, "p_value": 0.001, "p_value_text": "<0.001",
        "direction": "decreased", "analysis": 0,
    }  # fmt: skip
    sentence = TextEvidence(section_id="abstract", span=Span(start=10, end=33), quote="It did\nnot treat anything.")
    denied = claim(negated=True, publications=["PMID:1", "PMID:2"], evidence=[sentence])
    page = Statements(
        entity=DRUG,
        other=PAIN,
        statements=[balance(claim(qualifiers=result), denied, said=4)],
        complete=True,
        more=True,
    )

    assert [
        "Drug —treats→ Low Back Pain  1 document says so, 1 denies it",
        "  MESH:D1  MESH:D017116",
        "  + NCT00000001  A vs B · Mean Difference -1.5 (95 % CI -3 to 0.25) · p <0.001 · direction decreased",
        "      /a/pValue = <0.001",
        "  - PMID:1, PMID:2",
        "      “It did not treat anything.” (abstract, 10-33)",
        "  and 2 claims more",
        "there are more statements: --skip 3",
    ] == printed(statements_view(page, 2))


def test_counts_of_a_part_are_said_to_be_such() -> None:
    """Of an entity with very many statements only a part is looked at."""
    page = Statements(entity=DRUG, other=None, statements=[], complete=False, more=False)

    assert [
        "so many statements that only a part was looked at and counted: name the other end, or a --predicate",
        "no document says anything of this",
    ] == printed(statements_view(page, 0))


def test_neighbours_stand_with_the_way_there() -> None:
    """Each step with its predicate, its role, and who says so."""
    near = Neighbourhood(
        entity=DRUG,
        neighbours=[Neighbour(node=PAIN, way=[claim(negated=True, qualifiers={"role": "condition"})], ways=2)],
        statements=3,
        complete=True,
        more=False,
    )

    assert [
        "Drug  MESH:D1  Drug  3 statements",
        "  Low Back Pain  MESH:D017116  Disease  2 ways",
        "      Drug —not treats (condition)→ Low Back Pain  NCT00000001",
    ] == printed(neighbourhood_view(near))


def test_ways_are_shown_step_by_step() -> None:
    """With the evidence of each step; where none leads there that is said."""
    one = PathView(nodes=[DRUG, PAIN], claims=[claim()], ways=1)

    assert [
        "1. Drug — Low Back Pain",
        "    Drug —treats→ Low Back Pain  NCT00000001",
        "        /a/pValue = <0.001",
    ] == printed(paths_view(Paths(start=DRUG, end=PAIN, paths=[one], more=False)))
    assert ["no way leads from MESH:D1 to MESH:D017116 so far: try more --hops"] == printed(
        paths_view(Paths(start=DRUG, end=PAIN, paths=[], more=False))
    )


def test_trials_stand_with_what_they_tried_and_found() -> None:
    """Comparisons with groups, estimate and p-value, else what was measured; each with its field."""
    compared = Comparison(groups=["A", "B"], p_value="0.05", method="t-test", evidence=[FIELD])
    measured = [Measured(group="A", part="at 6 weeks", value="3.1", spread="0.5", statistic="MEAN", unit="points",
                         evidence=[FIELD])] * 4  # fmt: skip
    trial = TriedIn(
        id="CLINICALTRIALS:NCT00000001", document="ctgov:NCT00000001", name="A trial", status="NOT_YET_RECRUITING",
        phases=["PHASE2"], enrollment=40, completion_date="2013-01", conditions=["Low Back Pain"],
        interventions=[Intervention(id="x", name="aspirin", kind="DRUG", evidence=[FIELD])],
        outcomes=[
            Outcome(id="o1", name="Pain", kind="primary", time_frame="6 weeks", comparisons=[compared]),
            Outcome(id="o2", name="Falls", kind="secondary", measured=measured),
        ],
    )  # fmt: skip

    assert [
        "Low Back Pain  MESH:D017116  Disease  9 trials",
        "",
        "NCT00000001  A trial",
        "  PHASE2 · not yet recruiting · 40 people · until 2013-01",
        "  tried: aspirin (drug)",
        "  primary: Pain  6 weeks",
        "      A vs B · p 0.05 · t-test",
        "        /a/pValue = <0.001",
        "  secondary: Falls",
        *["      A, at 6 weeks: 3.1 (0.5) points, mean", "        /a/pValue = <0.001"] * 3,
        "      and 1 more",
        "there are 5 more trials: --skip 4, or a larger --limit",
    ] == printed(tried_view(Tried(condition=PAIN, trials=[trial], total=9, more=True), 3))


def test_rows_are_a_table() -> None:
    """What is no text stands there as JSON, and that there are other rows is said."""
    shown = printed(rows_view(Rows(columns=["n", "x"], rows=[["pain", {"a": [1, None]}]], more=True, took_ms=3.2)))

    assert ["n x", 'pain {"a":[1,null]}', "1 row in 3 ms, and there are more: a larger --limit shows them"] == [
        " ".join(line.split()) for line in shown
    ]


@pytest.mark.parametrize(
    ("text", "value"), [("12", 12), ('"12"', "12"), ('["a", 1]', ["a", 1]), ("MESH:D1", "MESH:D1"), ("null", None)]
)
def test_a_parameter_is_json_or_else_text(text: str, value: object) -> None:
    """Who wants a number as text writes it in quotes."""
    assert value == parameter(text)
