"""KGX files into the facts of documents: of ours those that the graph had, of others' those of the file."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from medkg_contracts.errors import InvalidDocument, InvalidInput
from medkg_contracts.knowledge import Extraction
from medkg_contracts.model import Contract, first_violation
from pydantic import ValidationError

from medkg_graph.facts import Facts, facts_of

from .files import Row, read_rows
from .foreign import claim_in, entity_in, evidence_at, file_entity
from .records import Record, claimed_by, described_by
from .spool import Spool

#: Is told how many rows have been read.
Progress = Callable[[int], None]

#: The most edges of a file of others, all of which are one document.
MOST_EDGES: Final = 100_000
#: The most bad rows that are told one by one.
MOST_TOLD: Final = 100
_FOREIGN: Final = "kgx"


class BadRow(Contract):
    """A row, or a whole document, of which nothing can be made.

    Attributes:
        line: 0 for what is no row.
    """

    file: Path
    line: int
    problem: str


class Reading:
    """Reads both files into a spool.

    Attributes:
        bad: the first bad rows.
        bad_rows: how many there are.
        rows: how many were read.
    """

    def __init__(self, spool: Spool, progress: Progress) -> None:
        """Read into this spool."""
        self._spool, self._progress = spool, progress
        self.bad: list[BadRow] = []
        self.bad_rows = 0
        self.rows = 0

    def read(self, nodes: Path, edges: Path, name: str, source: str | None) -> None:
        """Read both.

        Args:
            nodes: the file of nodes.
            edges: the file of edges.
            name: what files of others are known by.
            source: who says what they say, where they do not tell.

        Raises:
            InvalidInput: a file cannot be read at all, or has more edges than one document may have.
        """
        if _is_ours(nodes):
            self._each(nodes, self._own_node)
            self._each(edges, self._own_edge)
            return
        document = f"{_FOREIGN}:{name}"
        self._spool.add_entity(document, file_entity(name), itself=True)
        self._each(nodes, lambda _, record: self._spool.add_entity(document, entity_in(record)))
        sha256 = _sha256(edges)
        extraction = Extraction(version=_FOREIGN, digests={"file": sha256})

        def edge(row: Row, record: Record) -> None:
            claim = claim_in(record, document, source, evidence_at(row.line, row.text, sha256))
            for end in (claim.subject, claim.object):
                if not self._spool.describes(document, end):
                    raise ValueError(f"{end} is not among the nodes")
            self._spool.merge_claim(claim, extraction)

        self._each(edges, edge, most=MOST_EDGES)

    def facts(self, tenant: str, nodes: Path) -> Iterator[Facts]:
        """The facts of all documents, in the order of their ids; one that is not whole is a bad row."""
        for document, entities, claims in self._spool.documents():
            if entities is None:
                self._refuse(nodes, 0, f"no node is the document {document}")
                continue
            try:
                yield facts_of(tenant, entities, claims)
            except InvalidDocument as error:
                self._refuse(nodes, 0, str(error))

    def _own_node(self, _: Row, record: Record) -> None:
        for document, entity, itself in described_by(record):
            self._spool.add_entity(document, entity, itself=itself)

    def _own_edge(self, _: Row, record: Record) -> None:
        self._spool.add_claim(*claimed_by(record))

    def _each(self, path: Path, take: Callable[[Row, Record], None], most: int | None = None) -> None:
        for number, row in enumerate(read_rows(path), 1):
            if most is not None and number > most:
                raise InvalidInput(
                    f"{path} has more than {most} edges, which would all be one document's",
                    remedy="Split it, by source if it has several, and import each part by a --name of its own.",
                )
            self.rows += 1
            self._progress(self.rows)
            if row.record is None:
                self._refuse(path, row.line, row.problem)
                continue
            try:
                take(row, row.record)
            except ValidationError as error:
                self._refuse(path, row.line, first_violation(error))
            except KeyError as error:
                self._refuse(path, row.line, f"has no {error.args[0]}")
            except (ValueError, TypeError) as error:
                self._refuse(path, row.line, str(error))

    def _refuse(self, path: Path, line: int, problem: str) -> None:
        self.bad_rows += 1
        if len(self.bad) < MOST_TOLD:
            self.bad.append(BadRow(file=path, line=line, problem=problem[:500]))


def _is_ours(nodes: Path) -> bool:
    """Whether the first good row of the file is a node as medkg exports it."""
    first = next((row.record for row in read_rows(nodes) if row.record is not None), {})
    return "medkg_documents" in first


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
