"""What was read of files, by document, on the disk: a graph need not fit into memory."""

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import orjson
from medkg_contracts.knowledge import Claim, Claims, Entities, Entity, Extraction

_SCHEMA: Final = """
CREATE TABLE entity (document TEXT, id TEXT, itself INT, its TEXT, PRIMARY KEY (document, id)) WITHOUT ROWID;
CREATE TABLE claim (document TEXT, id TEXT, its TEXT, extraction TEXT, PRIMARY KEY (document, id)) WITHOUT ROWID;
"""


class Spool:
    """Holds entities and claims until all have come; gone when the context ends."""

    def __enter__(self) -> Self:
        """Begin with none."""
        self._folder = tempfile.TemporaryDirectory(prefix="medkg-kgx-")
        self._database = sqlite3.connect(Path(self._folder.name) / "spool", isolation_level=None)
        self._database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;" + _SCHEMA)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Forget all."""
        self._database.close()
        self._folder.cleanup()

    def add_entity(self, document: str, entity: Entity, *, itself: bool = False) -> None:
        """Have a document describe an entity, which may be the document itself.

        Raises:
            ValueError: it has described it already.
        """
        try:
            self._database.execute(
                "INSERT INTO entity VALUES (?, ?, ?, ?)", (document, entity.id, itself, entity.model_dump_json())
            )
        except sqlite3.IntegrityError:
            raise ValueError(f"the node {entity.id} is there twice") from None

    def add_claim(self, claim: Claim, extraction: Extraction) -> None:
        """Have a document claim something.

        Raises:
            ValueError: it claims that already.
        """
        row = (claim.document_id, claim.id, claim.model_dump_json(), extraction.model_dump_json())
        try:
            self._database.execute("INSERT INTO claim VALUES (?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            raise ValueError(f"the edge {claim.id} is there twice") from None

    def merge_claim(self, claim: Claim, extraction: Extraction) -> None:
        """Have a document claim something, with this evidence and these publications besides those that it has."""
        key = (claim.document_id, claim.id)
        before = self._database.execute("SELECT its FROM claim WHERE document = ? AND id = ?", key).fetchone()
        if before is None:
            self.add_claim(claim, extraction)
            return
        one = Claim.model_validate_json(before[0])
        both = one.model_copy(
            update={
                "evidence": (*one.evidence, *claim.evidence),
                "publications": tuple(dict.fromkeys((*one.publications, *claim.publications))),
            }
        )
        self._database.execute("UPDATE claim SET its = ? WHERE document = ? AND id = ?", (both.model_dump_json(), *key))

    def describes(self, document: str, id_: str) -> bool:
        """Whether a document has described an entity."""
        found = self._database.execute("SELECT 1 FROM entity WHERE document = ? AND id = ?", (document, id_))
        return found.fetchone() is not None

    def documents(self) -> Iterator[tuple[str, Entities | None, Claims]]:
        """All documents in their order, with what they say; None for the entities of one that is no node itself."""
        cursor = self._database.execute("SELECT document FROM entity UNION SELECT document FROM claim ORDER BY 1")
        for (document,) in cursor:
            claims, extraction = self._claims(document)
            yield document, self._entities(document, extraction), claims

    def _claims(self, document: str) -> tuple[Claims, Extraction]:
        rows = self._database.execute(
            "SELECT its, extraction FROM claim WHERE document = ? ORDER BY id", (document,)
        ).fetchall()
        claims = tuple(Claim.model_validate_json(its) for its, _ in rows)
        extraction = Extraction(**orjson.loads(rows[0][1])) if rows else Extraction(version="")
        return Claims(document_id=document, claims=claims), extraction

    def _entities(self, document: str, extraction: Extraction) -> Entities | None:
        rows = self._database.execute(
            "SELECT itself, its FROM entity WHERE document = ? ORDER BY id", (document,)
        ).fetchall()
        itself = [its for is_it, its in rows if is_it]
        if len(itself) != 1:
            return None
        return Entities(
            document_id=document,
            document=Entity.model_validate_json(itself[0]),
            entities=tuple(Entity.model_validate_json(its) for is_it, its in rows if not is_it),
            mentions=(),
            extraction=extraction,
        )
