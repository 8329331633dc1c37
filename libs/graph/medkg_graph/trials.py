"""What was tried for a condition, with what results: from what trials' records say."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from medkg_contracts.knowledge import Evidence, Scalar
from medkg_contracts.model import Contract

from .reader import entity_named
from .server import GraphServer, Row, Transaction
from .views import ClaimView, NodeView, claim_view, node_view

#: So many of a condition's trials are looked at for the ones with results.
_BREADTH: Final = 2_000
#: So many comparisons, or measured values where nothing was compared, are told of each trial.
_RESULTS: Final = 200


class Comparison(Contract):
    """What comparing groups has given, as the study's record says.

    Attributes:
        groups: which were compared.
        p_value: as it is written, such as ``<0.001``; "" if there is none.
        estimate: such as of the difference; `lower_limit` and `upper_limit` are of its confidence interval.
    """

    groups: list[str]
    comparison: str = ""
    estimate_type: str = ""
    estimate: float | None = None
    confidence_percent: float | None = None
    lower_limit: float | None = None
    upper_limit: float | None = None
    p_value: str = ""
    method: str = ""
    evidence: list[Evidence]


class Measured(Contract):
    """What was measured in a group.

    Attributes:
        part: of what is measured, or of the people, where several are told.
    """

    group: str
    part: str = ""
    value: str
    spread: str = ""
    statistic: str = ""
    unit: str = ""
    evidence: list[Evidence]


class Outcome(Contract):
    """An outcome with its results: comparisons, or what was measured where nothing was compared."""

    id: str
    name: str
    kind: str = ""
    time_frame: str = ""
    comparisons: list[Comparison] = []
    measured: list[Measured] = []


class Intervention(Contract):
    """What was tried; `kind` as the registry says, such as ``DRUG``."""

    id: str
    name: str
    kind: str = ""
    evidence: list[Evidence]


class TriedIn(Contract):
    """A trial of a condition.

    Attributes:
        conditions: by which of its conditions it is one.
    """

    id: str
    document: str
    name: str
    status: str = ""
    phases: list[str] = []
    enrollment: int | None = None
    completion_date: str = ""
    conditions: list[str]
    interventions: list[Intervention]
    outcomes: list[Outcome]


class Tried(Contract):
    """What was tried for a condition.

    Attributes:
        condition: the condition that was asked for.
        trials: those whose groups were compared first, then those with other results, the newest first.
        total: how many there are; at most as many as are looked at.
        more: whether there are others behind these.
    """

    condition: NodeView
    trials: list[TriedIn]
    total: int
    more: bool


class TrialsReader:
    """Reads what trials say of one tenant's conditions; raises what `GraphReader` does."""

    def __init__(self, server: GraphServer, timeout_s: float = 10.0) -> None:
        """Read from this server; a question may take so long."""
        self._server = server
        self._timeout_s = timeout_s

    async def tried(
        self, tenant: str, condition: str, *, kinds: Sequence[str] = (), limit: int = 20, skip: int = 0
    ) -> Tried:
        """What was tried for a condition and for those below it, as the registry knows them.

        Args:
            tenant: whose graph.
            condition: its id or name.
            kinds: only trials of such interventions, such as ``DRUG``.
            limit: trials, at most.
            skip: so many first.
        """
        return await self._server.read(partial(_tried, tenant, condition, list(kinds), (skip, limit)), self._timeout_s)


async def _tried(
    tenant: str, name: str, kinds: Sequence[str], page: tuple[int, int], transaction: Transaction
) -> Tried:
    condition = await entity_named(tenant, name, transaction)
    skip, limit = page
    asked = {"tenant": tenant, "id": condition.id, "breadth": _BREADTH, "kinds": kinds}
    rows = await transaction.run(_TRIALS, **asked, skip=skip, limit=limit)
    total = rows[0]["total"] if rows else 0
    trials = [row for row in rows if row["node"] is not None]
    ids = [row["node"]["id"] for row in trials]
    parts = {row["id"]: row for row in await transaction.run(_PARTS, tenant=tenant, ids=ids, results=_RESULTS)}
    return Tried(
        condition=condition,
        trials=[_trial(row, parts[row["node"]["id"]]) for row in trials],
        total=total,
        more=total > skip + limit,
    )


def _trial(row: Row, parts: Row) -> TriedIn:
    node = node_view(row["node"])
    own = {name: value for name, value in node.attributes.items() if name in TriedIn.model_fields}
    return TriedIn.model_validate(
        {
            **own,
            "id": node.id,
            "document": row["document"],
            "name": node.name,
            "conditions": row["conditions"],
            "interventions": _interventions(parts["interventions"]),
            "outcomes": _outcomes(parts["results"]),
        }
    )


def _interventions(rows: Sequence[Row]) -> list[Intervention]:
    """Those that are registered; the registry's terms of them only where there is nothing else."""
    found = {row["node"]["id"]: (node_view(row["node"]), claim_view(row)) for row in rows}
    registered = [pair for pair in found.values() if "kind" in pair[0].attributes] or list(found.values())
    return [
        Intervention(id=node.id, name=node.name, kind=_text(node.attributes, "kind"), evidence=claim.evidence)
        for node, claim in sorted(registered, key=lambda pair: pair[1].evidence[0].model_dump_json())
    ]


def _outcomes(rows: Sequence[Row]) -> list[Outcome]:
    found: dict[str, Outcome] = {}
    for row in rows:
        node, claim = node_view(row["node"]), claim_view(row)
        before = found.setdefault(
            node.id,
            Outcome(
                id=node.id,
                name=node.name,
                kind=_text(node.attributes, "outcome_type"),
                time_frame=_text(node.attributes, "time_frame"),
            ),
        )
        if row["compared"]:
            after = before.model_copy(update={"comparisons": [*before.comparisons, _comparison(claim)]})
        else:
            after = before.model_copy(update={"measured": [*before.measured, _measured(claim)]})
        found[node.id] = after
    return [each if not each.comparisons else each.model_copy(update={"measured": []}) for each in found.values()]


def _comparison(claim: ClaimView) -> Comparison:
    said = claim.qualifiers
    own = {name: value for name, value in said.items() if name in Comparison.model_fields and name != "p_value"}
    groups = said.get("groups") or [claim.subject_name]
    return Comparison.model_validate(
        {**own, "groups": groups, "p_value": _text(said, "p_value_text"), "evidence": claim.evidence}
    )


def _measured(claim: ClaimView) -> Measured:
    said = claim.qualifiers
    own = {name: value for name, value in said.items() if name in Measured.model_fields}
    part = ", ".join(filter(None, (_text(said, "class"), _text(said, "category"))))
    return Measured.model_validate({**own, "group": claim.subject_name, "part": part, "evidence": claim.evidence})


def _text(said: dict[str, Scalar | list[str]], name: str) -> str:
    return str(said.get(name, ""))


_TRIALS: Final = """
MATCH (c:Entity {tenant: $tenant, id: $id})
OPTIONAL MATCH (c)-[:CLOSE_MATCH]-(same:Entity {tenant: $tenant})
WITH c, collect(DISTINCT same) AS same
UNWIND [c] + same AS condition
CALL (condition) {
  MATCH (condition)<-[r:RELATED_TO]-(t:Entity:ClinicalTrial {tenant: $tenant})
  WHERE r.role IN ['condition', 'condition_ancestor']
  RETURN r, t LIMIT $breadth
}
WITH t, head(collect(r.document)) AS document
WHERE $kinds = [] OR EXISTS {
  (t)-[:RELATED_TO {role: 'intervention'}]->(i:Entity {tenant: $tenant}) WHERE i.kind IN $kinds
}
WITH t, document, EXISTS {
  (t)-[:HAS_PART]->(:Cohort {tenant: $tenant})-[r:ASSOCIATED_WITH]->(:Entity {tenant: $tenant})
  WHERE r.analysis IS NOT NULL
} AS compared, EXISTS {
  (t)-[:HAS_PART]->(:Cohort {tenant: $tenant})-[:RELATED_TO {role: 'measurement'}]->(:Entity {tenant: $tenant})
} AS measured
ORDER BY compared DESC, measured DESC, coalesce(t.completion_date, '') DESC, t.id
WITH collect({trial: t, document: document}) AS found
WITH size(found) AS total, found[$skip..$skip + $limit] AS page
UNWIND CASE WHEN page = [] THEN [null] ELSE page END AS one
WITH total, one.trial AS t, one.document AS document
RETURN total, document, CASE WHEN t IS NULL THEN null ELSE properties(t) END AS node, COLLECT {
  MATCH (t)-[r:RELATED_TO {role: 'condition'}]->(x:Entity {tenant: $tenant}) RETURN DISTINCT x.name ORDER BY x.name
} AS conditions
"""

_CLAIM: Final = (
    "subject: startNode(r).id, subject_name: startNode(r).name, claim: properties(r), "
    "object: n.id, object_name: n.name, node: properties(n)"
)

_PARTS: Final = f"""
UNWIND $ids AS id
MATCH (t:Entity {{tenant: $tenant, id: id}})
RETURN id, COLLECT {{
  MATCH (t)-[r:RELATED_TO {{role: 'intervention'}}]->(n:Entity {{tenant: $tenant}})
  RETURN {{{_CLAIM}}}
}} AS interventions, COLLECT {{
  MATCH (t)-[:HAS_PART]->(:Cohort {{tenant: $tenant}})-[r:ASSOCIATED_WITH|RELATED_TO]->(n:Entity {{tenant: $tenant}})
  WITH r, n, r.analysis IS NOT NULL AS compared
  WHERE compared OR r.role = 'measurement'
  WITH r, n, compared
  ORDER BY compared DESC, CASE n.outcome_type WHEN 'primary' THEN 0 WHEN 'secondary' THEN 1 ELSE 2 END,
    n.id, r.analysis, r.evidence[0] LIMIT $results
  RETURN {{compared: compared, {_CLAIM}}}
}} AS results
"""
