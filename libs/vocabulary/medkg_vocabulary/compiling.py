"""Compiles terms into a file: first as they come, then in order, so that the same terms make the same file.

Neither step holds more than one term in memory.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from medkg_contracts.errors import InvalidInput

from .compiled import FORM, About
from .mesh import above
from .term import Scope, Term

_SCHEMA: Final = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE term (id TEXT PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE name (text TEXT NOT NULL, term TEXT NOT NULL, scope TEXT NOT NULL, PRIMARY KEY (term, text)) WITHOUT ROWID;
CREATE TABLE parent (term TEXT NOT NULL, parent TEXT NOT NULL, PRIMARY KEY (term, parent)) WITHOUT ROWID;
CREATE TABLE xref (term TEXT NOT NULL, xref TEXT NOT NULL, PRIMARY KEY (term, xref)) WITHOUT ROWID;
CREATE TABLE former (id TEXT PRIMARY KEY, term TEXT NOT NULL) WITHOUT ROWID;
"""
#: As terms come. A place is one in a tree; the place above it may be another term's.
_COMING: Final = """
CREATE TABLE came.term (id TEXT, name TEXT, category TEXT);
CREATE TABLE came.name (text TEXT, term TEXT, scope TEXT);
CREATE TABLE came.parent (term TEXT, parent TEXT);
CREATE TABLE came.place (at TEXT, above TEXT, term TEXT);
CREATE TABLE came.xref (term TEXT, xref TEXT);
CREATE TABLE came.former (id TEXT, term TEXT);
"""
#: In order. An id that two terms had is the first one's; one that a term has now is nobody's former one.
_ORDER: Final = """
INSERT INTO term SELECT * FROM came.term ORDER BY id;
INSERT INTO name SELECT * FROM came.name ORDER BY term, text;
CREATE INDEX came.by_place ON place (at);
INSERT INTO parent SELECT * FROM (
    SELECT term, parent FROM came.parent
    UNION SELECT below.term, higher.term FROM came.place below JOIN came.place higher ON higher.at = below.above
) WHERE term != parent ORDER BY term, parent;
INSERT INTO xref SELECT DISTINCT term, xref FROM came.xref ORDER BY term, xref;
INSERT INTO former SELECT id, min(term) FROM came.former WHERE id NOT IN (SELECT id FROM term) GROUP BY id ORDER BY id;
CREATE INDEX child ON parent (parent);
CREATE INDEX by_name ON name (text COLLATE NOCASE);
"""
#: What a vocabulary says, and the keys by which it is in order.
_TABLES: Final = {
    "term": "id", "name": "term, text", "parent": "term, parent", "xref": "term, xref", "former": "id",
}  # fmt: skip
_TREE: Final = "tree:"
#: As `medkg_contracts.knowledge` has them: what is found by a vocabulary has its ids and categories.
_CURIE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*:\S{1,250}")
_CATEGORY: Final = re.compile(r"biolink:[A-Z][A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Compiled:
    """How much was compiled."""

    terms: int
    names: int


def write_vocabulary(path: Path, about: About, terms: Iterable[Term]) -> Compiled:
    """Compile terms into a file; the same terms make the same file. It is whole or absent.

    Raises:
        InvalidInput: an id occurs twice or is no CURIE, a category is none of Biolink's, or there is no term.
    """
    with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as scratch:
        unfinished = Path(scratch, path.name)
        file = sqlite3.connect(unfinished)
        try:
            file.execute("ATTACH ? AS came", (str(Path(scratch, "came")),))
            file.executescript(
                "PRAGMA journal_mode = OFF; PRAGMA came.journal_mode = OFF; PRAGMA came.synchronous = OFF;"
            )
            with file:
                compiled = _compile(file, about, terms)
        finally:
            file.close()
        unfinished.replace(path)
    return compiled


def _compile(file: sqlite3.Connection, about: About, terms: Iterable[Term]) -> Compiled:
    file.executescript(_COMING)
    file.execute("BEGIN")
    for term in terms:
        _take(file, term, about)
    _check(file, about)
    file.commit()
    file.executescript(f"{_SCHEMA} BEGIN; {_ORDER} COMMIT;")
    kept = asdict(about) | {"form": FORM, "digest": _digest(file, about)}
    file.executemany("INSERT INTO about VALUES (?, ?)", sorted(kept.items()))
    (counted,) = file.execute("SELECT (SELECT count(*) FROM term), (SELECT count(*) FROM name)")
    return Compiled(*counted)


def _take(file: sqlite3.Connection, term: Term, about: About) -> None:
    if not _CURIE.fullmatch(term.id) or not _CATEGORY.fullmatch(term.category):
        raise InvalidInput(
            f"{about.source} has a term that no graph can hold: id {term.id!r}, category {term.category!r}",
            remedy="An id is a CURIE such as MESH:D001249, a category one of Biolink's such as biolink:Disease.",
        )
    file.execute("INSERT INTO came.term VALUES (?, ?, ?)", (term.id, _one_line(term.name), term.category))
    names = ((text, term.id, scope) for text, scope in _names(term))
    file.executemany("INSERT INTO came.name VALUES (?, ?, ?)", names)
    for parent in term.parents:
        if parent.startswith(_TREE):
            place = parent.removeprefix(_TREE)
            file.execute("INSERT INTO came.place VALUES (?, ?, ?)", (place, above(place), term.id))
        else:
            file.execute("INSERT INTO came.parent VALUES (?, ?)", (term.id, parent))
    file.executemany("INSERT INTO came.xref VALUES (?, ?)", ((term.id, xref) for xref in term.xrefs))
    file.executemany("INSERT INTO came.former VALUES (?, ?)", ((old, term.id) for old in term.former))


def _check(file: sqlite3.Connection, about: About) -> None:
    if file.execute("SELECT 1 FROM came.term LIMIT 1").fetchone() is None:
        raise InvalidInput(f"{about.source} has no terms", remedy="Check the format that it was read as.")
    twice = file.execute("SELECT id FROM came.term GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT 1").fetchone()
    if twice is not None:
        raise InvalidInput(
            f"{about.source} has a term twice: {twice[0]}", remedy="Leave one of them out, or one of the sources."
        )


def _digest(file: sqlite3.Connection, about: About) -> str:
    """SHA-256 of what it says, whichever SQLite has written it."""
    digest = sha256(repr((FORM, *asdict(about).values())).encode())
    for table, key in _TABLES.items():
        for row in file.execute(f"SELECT * FROM main.{table} ORDER BY {key}"):  # noqa: S608 - ours
            digest.update(repr((table, *row)).encode())
    return digest.hexdigest()


def _names(term: Term) -> Iterator[tuple[str, Scope]]:
    """Every name once; the preferred one is exact, and so is a synonym that is exact anywhere."""
    scopes: dict[str, Scope] = {}
    for synonym in term.synonyms:
        text = _one_line(synonym.text)
        if text and scopes.get(text) != "exact":
            scopes[text] = synonym.scope
    scopes[_one_line(term.name)] = "exact"
    yield from scopes.items()


def _one_line(text: str) -> str:
    return " ".join(text.split())
