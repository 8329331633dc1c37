"""Documents' facts for tests, and what a graph has of them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hypothesis import strategies as st
from medkg_contracts.knowledge import Claim, Claims, Entities, Entity, Extraction, RecordEvidence
from medkg_graph import Facts, GraphServer, facts_of
from medkg_graph.server import Transaction

PREDICATES: Final = ("biolink:treats", "biolink:related_to")


def claim(document: str, subject: str, predicate: str, object_: str, value: str = "x", **qualifiers: Any) -> Claim:
    """A claim with a field as its evidence."""
    return Claim(
        document_id=document,
        subject=subject,
        predicate=predicate,
        object=object_,
        qualifiers=qualifiers,
        evidence=(RecordEvidence(payload="0" * 64, pointer="/a", value=value),),
        knowledge_source="infores:clinicaltrials-gov",
        knowledge_level="knowledge_assertion",
        agent_type="manual_agent",
    )


def entities_of(document: str, names: Mapping[str, str]) -> Entities:
    """A document's entities by id and name; a name that begins with "drug" is one's of a drug."""
    return Entities(
        document_id=document,
        document=Entity(id=f"TRIAL:{document}", category="biolink:ClinicalTrial", name=f"Trial {document}"),
        entities=tuple(
            Entity(id=id_, category="biolink:Drug" if name.startswith("drug") else "biolink:Disease", name=name)
            for id_, name in sorted(names.items())
        ),
        mentions=(),
        extraction=Extraction(version="1"),
    )


def facts(
    document: str, names: Mapping[str, str], claims: Iterable[Claim] = (), tenant: str = "one", order: int = 0
) -> Facts:
    """A document's facts."""
    return facts_of(tenant, entities_of(document, names), Claims(document_id=document, claims=tuple(claims)), order)


def facts_alone(entities: Entities, tenant: str = "one") -> Facts:
    """A document's facts that are entities alone."""
    return facts_of(tenant, entities, Claims(document_id=entities.document_id, claims=()))


@st.composite
def some_facts(draw: st.DrawFn, document: str) -> Facts:
    """Facts about a few things that other documents speak of as well, each of which calls them as it likes."""
    ids = draw(st.lists(st.sampled_from(["MESH:D1", "MESH:D2", "MESH:D3", "MESH:D4"]), min_size=1, unique=True))
    names = {id_: draw(st.sampled_from(["pain", "drug", "drug B", id_])) for id_ in ids}
    ends = st.sampled_from([*ids, f"TRIAL:{document}"])
    said = draw(st.lists(st.tuples(ends, st.sampled_from(PREDICATES), ends, st.sampled_from("xyz")), max_size=5))
    claims = {one.id: one for one in (claim(document, s, p, o, value) for s, p, o, value in said)}
    return facts(document, names, claims.values())


async def content(server: GraphServer, tenant: str = "one") -> tuple[list[str], list[str]]:
    """All nodes and all relationships of a tenant, with all that they have; nothing of removed documents."""

    async def read(transaction: Transaction) -> tuple[list[str], list[str]]:
        nodes = await transaction.run(
            "MATCH (n {tenant: $tenant}) WHERE n:Entity OR n.digest IS NOT NULL"
            " RETURN labels(n) AS labels, properties(n) AS properties",
            tenant=tenant,
        )
        ties = await transaction.run(
            "MATCH (a {tenant: $tenant})-[r]->(b) RETURN a.id AS a, type(r) AS type, properties(r) AS its, b.id AS b",
            tenant=tenant,
        )
        made = [f"{sorted(row['labels'])} {sorted(row['properties'].items())}" for row in nodes]
        tied = [f"{row['a']} {row['type']} {row['b']} {sorted(row['its'].items())}" for row in ties]
        return sorted(made), sorted(tied)

    return await server.read(read)


async def wipe(server: GraphServer) -> None:
    """Delete all there is."""
    await server.write(lambda transaction: transaction.run("MATCH (n) DETACH DELETE n"))
