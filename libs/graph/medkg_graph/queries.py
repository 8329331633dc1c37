"""The questions in Cypher. Each is bound to a tenant in every pattern, and bounded before it aggregates.

A common disease has a hundred thousand statements: no question expands all of a node's relationships, then cuts.
"""

from collections.abc import Sequence
from typing import Final

PREDICATES: Final = "CALL db.relationshipTypes() YIELD relationshipType AS type RETURN collect(type) AS types"

_DOCUMENTS: Final = "COUNT { ()-[:SUPPORTS]->(e) } AS documents"

BY_ID: Final = f"""
UNWIND $ids AS id
MATCH (e:Entity {{tenant: $tenant, id: id}})
RETURN properties(e) AS node, {_DOCUMENTS}
"""

#: The index has the tenants, too, so that it looks through one's names; its words of a tenant are not exact.
BY_NAME: Final = f"""
CALL db.index.fulltext.queryNodes('medkg_names', $words) YIELD node AS e, score
WHERE e.tenant = $tenant
WITH e, score LIMIT $limit
RETURN properties(e) AS node, {_DOCUMENTS}, score
ORDER BY score DESC, e.id
"""

_CLAIM: Final = (
    "{subject: startNode(r).id, subject_name: startNode(r).name, claim: properties(r),"
    " object: endNode(r).id, object_name: endNode(r).name}"
)


def neighbours(types: str) -> str:
    """Those one statement away: of so many statements, each entity once, those with most of them first."""
    return f"""
MATCH (e:Entity {{tenant: $tenant, id: $id}})
CALL (e) {{
  MATCH (e)-[r{types}]-(n:Entity {{tenant: $tenant}}) WHERE n <> e
  RETURN r, n LIMIT $breadth
}}
WITH n, head(collect(r)) AS r, count(*) AS times
ORDER BY times DESC, n.id LIMIT $limit
RETURN properties(n) AS node, [{_CLAIM}] AS way, times
"""


def second(types: str) -> str:
    """Those two statements away, over the entities that are given: of so many statements of each."""
    return f"""
MATCH (e:Entity {{tenant: $tenant, id: $id}})
CALL (e) {{
  MATCH (e)-[a{types}]-(m:Entity {{tenant: $tenant}}) WHERE m <> e
  RETURN a, m LIMIT $breadth
}}
WITH e, m, head(collect(a)) AS a
WITH e, collect(m) AS firsts, collect([a, m]) AS steps
UNWIND steps AS step
WITH e, firsts, step[0] AS a, step[1] AS m
CALL (e, m) {{
  MATCH (m)-[b{types}]-(n:Entity {{tenant: $tenant}}) WHERE n <> e
  RETURN b, n LIMIT $depth
}}
WITH firsts, n, head(collect([a, b])) AS two, count(*) AS times
WHERE NOT n IN firsts
WITH n, two, times ORDER BY times DESC, n.id LIMIT $limit
RETURN properties(n) AS node, [r IN two | {_CLAIM}] AS way, times
"""


def paths(types: str, hops: int) -> str:
    """The shortest ways between two entities: of so many, each row of entities once, with one statement a step."""
    return f"""
MATCH (a:Entity {{tenant: $tenant, id: $start}}), (b:Entity {{tenant: $tenant, id: $end}})
MATCH p = ALL SHORTEST (a) (()-[{types}]-(:Entity {{tenant: $tenant}})){{1,{hops}}} (b)
WITH p LIMIT $breadth
WITH nodes(p) AS row, head(collect(p)) AS p, count(*) AS times
ORDER BY times DESC, [n IN row | n.id] LIMIT $limit
RETURN [n IN row | properties(n)] AS nodes, [r IN relationships(p) | {_CLAIM}] AS way, times
"""


def statements_of(types: str) -> str:
    """What is said of an entity, pair by pair: of so many statements; who says so is counted by document."""
    return f"""
MATCH (e:Entity {{tenant: $tenant, id: $id}})
CALL (e) {{
  MATCH (e)-[r{types}]-(n:Entity {{tenant: $tenant}})
  RETURN r, n LIMIT $breadth
}}
{_BALANCE}
"""


def statements_between(types: str) -> str:
    """What is said of two entities, predicate by predicate; all of it is counted."""
    return f"""
MATCH (e:Entity {{tenant: $tenant, id: $id}}), (n:Entity {{tenant: $tenant, id: $other}})
MATCH (e)-[r{types}]-(n)
{_BALANCE}
"""


_BALANCE: Final = f"""
WITH startNode(r) AS s, r.predicate AS predicate, endNode(r) AS o, r ORDER BY r.negated, r.id
WITH s, predicate, o, collect(r)[..$claims] AS shown,
     count(DISTINCT CASE WHEN r.negated THEN null ELSE r.document END) AS supporting,
     count(DISTINCT CASE WHEN r.negated THEN r.document END) AS contradicting,
     count(DISTINCT CASE WHEN r.object_direction_qualifier = 'increased' THEN r.document END) AS increased,
     count(DISTINCT CASE WHEN r.object_direction_qualifier = 'decreased' THEN r.document END) AS decreased,
     count(*) AS claims
ORDER BY supporting + contradicting DESC, predicate, s.id, o.id SKIP $skip LIMIT $limit
RETURN s.id AS subject, s.name AS subject_name, predicate, o.id AS object, o.name AS object_name,
       supporting, contradicting, increased, decreased, claims AS said, [r IN shown | {_CLAIM}] AS claims
"""


def degree(types: str) -> str:
    """How many statements there are of an entity."""
    return f"""
MATCH (e:Entity {{tenant: $tenant, id: $id}})
RETURN COUNT {{ (e)-[{types}]-() }} AS statements
"""


def following(types: Sequence[str]) -> str:
    """These types, as a pattern follows them."""
    return ":" + "|".join(f"`{type_}`" for type_ in types)
