"""The statements by which documents' facts are written.

Rows come in the order of their ids, documents before entities, so that of two transactions that want the same nodes
one waits for the other, and never each for the other. Relationships are made only between nodes that are locked.
"""

from typing import Final

#: Lock the documents, making those that are new; returns what the graph has of each. What has just the wanted facts is
#: of the version that is written from now on, if that is a later one.
LOCK_DOCUMENTS: Final = """
UNWIND $rows AS row
MERGE (d:Document {tenant: row.tenant, id: row.id})
SET d.locked = true REMOVE d.locked
WITH row, d, coalesce(d.order, 0) AS before
SET d.order = CASE WHEN d.digest = row.digest AND row.order > before THEN row.order ELSE d.order END
RETURN d.tenant AS tenant, d.id AS id, before AS order,
       coalesce(d.digest, '') AS digest, coalesce(d.entities, []) AS entities, coalesce(d.claims, []) AS claims
"""

#: What the graph has of one document.
HELD: Final = """
MATCH (d:Document {tenant: $tenant, id: $id})
RETURN coalesce(d.order, 0) AS order, size(coalesce(d.claims, [])) AS claims
"""

#: Lock the entities, making those that are new.
LOCK_ENTITIES: Final = """
UNWIND $rows AS row
MERGE (e:Entity {tenant: row.tenant, id: row.id})
SET e.locked = true REMOVE e.locked
"""

#: Documents describe entities; each keeps its own description, so that an entity can take another's when one goes.
#: Returns entities that looked as a document described them which does so less well now.
SUPPORT: Final = """
UNWIND $rows AS row
MATCH (d:Document {tenant: row.tenant, id: row.document})
MATCH (e:Entity {tenant: row.tenant, id: row.id})
MERGE (d)-[s:SUPPORTS]->(e)
SET s.label = row.label, s.properties = row.described, s.standing = row.standing
WITH e, row WHERE substring(e.owner, 2) = row.document AND e.owner < row.standing
RETURN row.tenant AS tenant, row.id AS id, row.document AS document
"""

ABANDON: Final = """
UNWIND $rows AS row
MATCH (:Document {tenant: row.tenant, id: row.document})-[s:SUPPORTS]->(:Entity {tenant: row.tenant, id: row.id})
DELETE s
"""

#: An entity looks as the document with the smallest standing describes it, whatever the order in which they came.
DESCRIBE: Final = """
UNWIND $rows AS row
MATCH (e:Entity {tenant: row.tenant, id: row.id})
WHERE e.owner IS NULL OR row.standing <= e.owner
WITH e, row, [label IN labels(e) WHERE label <> 'Entity'] AS labels
SET e = row.properties
REMOVE e:$(labels)
SET e:$(row.label)
"""

#: What entities look like that their describing document has abandoned, or describes less well: as the best one does.
HEIRS: Final = """
UNWIND $rows AS row
MATCH (e:Entity {tenant: row.tenant, id: row.id}) WHERE substring(e.owner, 2) = row.document OR row.document IS NULL
MATCH (:Document)-[s:SUPPORTS]->(e)
WITH e, s ORDER BY s.standing
WITH e, head(collect(s)) AS heir
SET e.owner = heir.standing
RETURN e.tenant AS tenant, e.id AS id, heir.standing AS standing, heir.label AS label, heir.properties AS described
"""

#: Entities that no document supports any more go.
ORPHANS: Final = """
UNWIND $rows AS row
MATCH (e:Entity {tenant: row.tenant, id: row.id})
WHERE NOT EXISTS { (:Document)-[:SUPPORTS]->(e) }
DELETE e
"""

FINISH: Final = """
UNWIND $rows AS row
MATCH (d:Document {tenant: row.tenant, id: row.id})
SET d = row
"""

#: Documents that were removed leave what is known of their order; without an order they go.
FORGET: Final = """
UNWIND $rows AS row
MATCH (d:Document {tenant: row.tenant, id: row.id})
SET d = row
WITH d WHERE d.order = 0
DELETE d
"""


#: Documents that the graph has facts of, page by page.
DOCUMENTS: Final = """
MATCH (d:Document {tenant: $tenant}) WHERE d.id > $after AND d.digest IS NOT NULL
RETURN d.id AS id, coalesce(d.order, 0) AS order ORDER BY d.id LIMIT $limit
"""

#: What documents' nodes say that the graph has of them.
LISTED: Final = """
UNWIND $rows AS row
MATCH (d:Document {tenant: row.tenant, id: row.id})
RETURN d.tenant AS tenant, d.id AS id, coalesce(d.order, 0) AS order,
       coalesce(d.digest, '') AS digest, coalesce(d.entities, []) AS entities, coalesce(d.claims, []) AS claims
"""

#: The entities that documents are tied to, as they are described and as they are.
SUPPORTED: Final = """
UNWIND $rows AS row
MATCH (d:Document {tenant: row.tenant, id: row.id})-[s:SUPPORTS]->(e:Entity)
RETURN d.tenant AS tenant, d.id AS document, e.id AS id, s.label AS label, s.properties AS described,
       s.standing AS standing, labels(e) AS labels, properties(e) AS properties, e.owner <= s.standing AND EXISTS {
         (:Document {tenant: row.tenant, id: substring(e.owner, 2)})-[:SUPPORTS {standing: e.owner}]->(e)
       } AS owned
"""

_STRAY_CLAIM: Final = """
MATCH (:Entity {tenant: $tenant})-[r:!SUPPORTS]->()
OPTIONAL MATCH (d:Document {tenant: $tenant, id: r.document})
WITH r, d WHERE d IS NULL OR coalesce(r.tenant, '') <> $tenant OR r.id IS NULL
  OR none(key IN coalesce(d.claims, []) WHERE key STARTS WITH type(r) + ':' + r.id + ':')
"""
#: Relationships that no document lists.
COUNT_STRAY_CLAIMS: Final = f"{_STRAY_CLAIM} RETURN count(r) AS strays"
DROP_STRAY_CLAIMS: Final = f"{_STRAY_CLAIM} WITH r LIMIT $limit DELETE r RETURN count(*) AS gone"

_ORPHAN: Final = "MATCH (e:Entity {tenant: $tenant}) WHERE NOT EXISTS { (:Document)-[:SUPPORTS]->(e) }"
#: Entities that no document supports.
COUNT_ORPHANS: Final = f"{_ORPHAN} RETURN count(e) AS strays"
FIND_ORPHANS: Final = f"{_ORPHAN} RETURN e.id AS id ORDER BY id LIMIT $limit"


def claims_by_id(type_: str) -> str:
    """Claims, all of one relationship type, as they are."""
    return f"""
UNWIND $rows AS row
MATCH (s)-[r:{type_} {{tenant: row.tenant, id: row.id}}]->(o)
RETURN row.tenant AS tenant, row.document AS document, row.id AS id,
       s.id AS subject, o.id AS object, properties(r) AS properties
"""


def add_claims(type_: str) -> str:
    """Make new claims, all of one relationship type."""
    return f"""
UNWIND $rows AS row
MATCH (s:Entity {{tenant: row.tenant, id: row.subject}})
MATCH (o:Entity {{tenant: row.tenant, id: row.object}})
CREATE (s)-[r:{type_}]->(o)
SET r = row.properties
"""


def drop_claims(type_: str) -> str:
    """Delete claims, all of one relationship type."""
    return f"""
UNWIND $rows AS row
MATCH ()-[r:{type_} {{tenant: row.tenant, id: row.id}}]->()
DELETE r
"""
