"""Each document's last version, as jobs brought it to the graph, and what the graph has: tables in a temporary file.

There may be millions of documents; in memory there is a page of them.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self

from medkg_contracts.artifacts import ArtifactRef
from medkg_graph.restoring import DocumentOrder

_TABLES: Final = """
CREATE TABLE versions (document TEXT PRIMARY KEY, ord INTEGER, time INTEGER, entities TEXT, claims TEXT) WITHOUT ROWID;
CREATE TABLE known (document TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE held (document TEXT PRIMARY KEY, ord INTEGER) WITHOUT ROWID;
"""
_TAKE: Final = """
INSERT INTO versions VALUES (?, ?, ?, ?, ?) ON CONFLICT (document) DO UPDATE
SET ord = excluded.ord, time = excluded.time, entities = excluded.entities, claims = excluded.claims
WHERE (excluded.ord, excluded.time) > (ord, time)
"""


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """A version of a document that a job brought to the graph.

    Attributes:
        order: of the version, as the index had it; 0 without an index.
        time: when the job last changed, in milliseconds; of two jobs with one version the later counts.
    """

    document_id: str
    order: int
    time: int
    entities: ArtifactRef
    claims: ArtifactRef


class LastVersions:
    """The tables; they go when the context ends."""

    def __init__(self) -> None:
        self._tables = sqlite3.connect("")  # a file that SQLite itself makes and deletes
        self._tables.executescript(_TABLES)

    def __enter__(self) -> Self:
        """Use them."""
        return self

    def __exit__(self, *_: object) -> None:
        """Delete them."""
        self._tables.close()

    def take(self, version: DocumentVersion) -> None:
        """Take note of a version; the last of each document counts."""
        refs = (version.entities.model_dump_json(), version.claims.model_dump_json())
        self._tables.execute(_TAKE, (version.document_id, version.order, version.time, *refs))
        self.know(version.document_id)

    def know(self, document_id: str) -> None:
        """Take note that some job has this document in hand."""
        self._tables.execute("INSERT OR IGNORE INTO known VALUES (?)", (document_id,))

    def hold(self, documents: Iterable[DocumentOrder]) -> None:
        """Take note of documents that the graph has."""
        self._tables.executemany(
            "INSERT OR REPLACE INTO held VALUES (?, ?)", ((d.document_id, d.order) for d in documents)
        )

    @property
    def documents(self) -> int:
        """How many documents have a version."""
        return self._count("versions")

    @property
    def held(self) -> int:
        """How many documents the graph has."""
        return self._count("held")

    def pages(self, size: int) -> Iterator[list[DocumentVersion]]:
        """The last versions, in the order of the documents' ids."""
        for rows in self._pages("SELECT * FROM versions WHERE document > ? ORDER BY document LIMIT ?", size):
            yield [
                DocumentVersion(
                    document,
                    order,
                    time,
                    ArtifactRef.model_validate_json(entities),
                    ArtifactRef.model_validate_json(claims),
                )
                for document, order, time, entities, claims in rows
            ]

    def unknown(self, size: int) -> Iterator[list[DocumentOrder]]:
        """What the graph has of documents that no job has in hand."""
        statement = """
        SELECT document, ord FROM held WHERE document > ? AND document NOT IN (SELECT document FROM known)
        ORDER BY document LIMIT ?
        """
        for rows in self._pages(statement, size):
            yield [DocumentOrder(document, order) for document, order in rows]

    def order_held(self, document_id: str) -> int | None:
        """Of which version the graph has this document; None where it has none."""
        row = self._tables.execute("SELECT ord FROM held WHERE document = ?", (document_id,)).fetchone()
        return None if row is None else int(row[0])

    def _pages(self, statement: str, size: int) -> Iterator[list[tuple]]:  # type: ignore[type-arg]
        after = ""
        while rows := self._tables.execute(statement, (after, size)).fetchall():
            yield rows
            after = rows[-1][0]

    def _count(self, table: str) -> int:
        return int(self._tables.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - ours
