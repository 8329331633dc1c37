"""A compiled vocabulary: one SQLite file with its terms, its names and where it is from."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

from medkg_contracts.errors import ConfigurationError, InvalidInput

from .mesh import above
from .term import Scope, Term

#: The file's own form; another one has to be compiled anew.
FORM: Final = "2"
_SCHEMA: Final = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE term (id TEXT PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE name (text TEXT NOT NULL, term TEXT NOT NULL, scope TEXT NOT NULL, PRIMARY KEY (term, text)) WITHOUT ROWID;
CREATE TABLE parent (term TEXT NOT NULL, parent TEXT NOT NULL, PRIMARY KEY (term, parent)) WITHOUT ROWID;
CREATE TABLE xref (term TEXT NOT NULL, xref TEXT NOT NULL, PRIMARY KEY (term, xref)) WITHOUT ROWID;
CREATE TABLE former (id TEXT PRIMARY KEY, term TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX child ON parent (parent);
"""
#: What a vocabulary says, and the keys by which it is in order.
_TABLES: Final = {
    "term": "id", "name": "term, text", "parent": "term, parent", "xref": "term, xref", "former": "id",
}  # fmt: skip
_INDEX: Final = "CREATE INDEX by_name ON name (text COLLATE NOCASE)"


@dataclass(frozen=True, slots=True)
class About:
    """What a vocabulary says of itself.

    Attributes:
        name: such as ``mesh``.
        version: of its source.
        licence: under which it may be used.
        source: where it was read from.
        notice: what its licence asks to be said, if anything.
    """

    name: str
    version: str
    licence: str
    source: str
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Compiled:
    """How much was compiled."""

    terms: int
    names: int


def write_vocabulary(path: Path, about: About, terms: Iterable[Term]) -> Compiled:
    """Compile terms into a file; the same terms make the same file. It is whole or absent.

    Raises:
        InvalidInput: an id occurs twice, or there is no term.
    """
    given = sorted(terms, key=lambda term: term.id)
    if not given:
        raise InvalidInput(f"{about.source} has no terms", remedy="Check the format that it was read as.")
    with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as scratch:
        unfinished = Path(scratch, path.name)
        file = sqlite3.connect(unfinished)
        try:
            with file:
                compiled = _compile(file, about, given)
        finally:
            file.close()
        unfinished.replace(path)
    return compiled


def _compile(file: sqlite3.Connection, about: About, given: Sequence[Term]) -> Compiled:
    file.executescript(_SCHEMA)
    try:
        file.executemany("INSERT INTO term VALUES (?, ?, ?)", ((t.id, t.name, t.category) for t in given))
    except sqlite3.IntegrityError as error:
        raise InvalidInput(f"{about.source} has a term twice: {_twice(given)}") from error
    names = {(term.id, text): scope for term in given for text, scope in _names(term)}
    file.executemany(
        "INSERT INTO name VALUES (?, ?, ?)", ((text, term, scope) for (term, text), scope in sorted(names.items()))
    )
    file.executemany("INSERT INTO parent VALUES (?, ?)", sorted(_parents(given)))
    file.executemany("INSERT INTO xref VALUES (?, ?)", sorted({(t.id, xref) for t in given for xref in t.xrefs}))
    former = {old: term.id for term in given for old in term.former}
    file.executemany("INSERT INTO former VALUES (?, ?)", sorted(former.items()))
    file.execute(_INDEX)
    kept = asdict(about) | {"form": FORM, "digest": _digest(file, about)}
    file.executemany("INSERT INTO about VALUES (?, ?)", sorted(kept.items()))
    return Compiled(len(given), len(names))


def _digest(file: sqlite3.Connection, about: About) -> str:
    """SHA-256 of what it says, whichever SQLite has written it."""
    digest = sha256(repr((FORM, *asdict(about).values())).encode())
    for table, key in _TABLES.items():
        for row in file.execute(f"SELECT * FROM {table} ORDER BY {key}"):  # noqa: S608 - ours
            digest.update(repr((table, *row)).encode())
    return digest.hexdigest()


class Vocabulary:
    """A compiled vocabulary, read from its file as it is asked."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            ConfigurationError: there is no such file, or it is no vocabulary that this medkg has compiled.
        """
        if not path.is_file():
            raise ConfigurationError(f"there is no vocabulary {path}", remedy="Make it: `medkg vocabulary build`.")
        self.path = path
        self._file = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        try:
            said = dict(self._file.execute("SELECT key, value FROM about"))
        except sqlite3.DatabaseError:
            said = {}
        if said.pop("form", None) != FORM:
            self._file.close()
            raise ConfigurationError(
                f"{path} is no vocabulary of this medkg", remedy="Compile it anew: `medkg vocabulary build`."
            )
        #: Of what it says; goes into the provenance of what is found by it.
        self.digest = said.pop("digest")
        self.about = About(**said)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def names(self, scopes: Iterable[Scope] = ("exact",)) -> Iterator[tuple[str, str, str]]:
        """All names: their text, their term's id and its category."""
        wanted = list(scopes)
        marks = ", ".join("?" * len(wanted))
        yield from self._file.execute(
            "SELECT text, id, category FROM name JOIN term ON id = term "  # noqa: S608 - marks
            f"WHERE scope IN ({marks}) ORDER BY id, text",
            wanted,
        )

    def preferred_first(self) -> Iterator[tuple[str, str, str, bool]]:
        """All exact names: text, term's id and category, and whether it is the preferred one; those come first."""
        yield from (
            (text, id_, category, bool(preferred))
            for text, id_, category, preferred in self._file.execute(
                "SELECT text, id, category, text = term.name AS preferred FROM name JOIN term ON id = term "
                "WHERE scope = 'exact' ORDER BY preferred DESC, id, text"
            )
        )

    def label(self, id_: str) -> str | None:
        """The preferred name of a term; of one that it was merged into, if its id is a former one."""
        row = self._file.execute("SELECT name FROM term WHERE id = ?", (self.current(id_),)).fetchone()
        return row[0] if row else None

    def current(self, id_: str) -> str:
        """The id by which a term goes now."""
        row = self._file.execute("SELECT term FROM former WHERE id = ?", (id_,)).fetchone()
        return row[0] if row else id_

    def synonyms(self, id_: str) -> list[str]:
        """All names of a term that mean just it, the preferred one first."""
        rows = self._file.execute(
            "SELECT text FROM name JOIN term ON id = term WHERE term = ? AND scope = 'exact' "
            "ORDER BY text != name, text",
            (self.current(id_),),
        )
        return [text for (text,) in rows]

    def descendants(self, id_: str, most: int = 10_000) -> list[str]:
        """The terms below one, however far, at most so many; it itself is none of them."""
        return self._walk("SELECT term FROM parent JOIN below ON parent = id", id_, most)

    def ancestors(self, id_: str, most: int = 10_000) -> list[str]:
        """The terms above one, however far; it itself is none of them."""
        return self._walk("SELECT parent FROM parent JOIN below ON term = id", id_, most)

    def _walk(self, step: str, id_: str, most: int) -> list[str]:
        start = self.current(id_)
        rows = self._file.execute(
            f"WITH RECURSIVE below(id) AS (SELECT ? UNION {step}) SELECT id FROM below WHERE id != ? LIMIT ?",  # noqa: S608
            (start, start, most),
        )
        return sorted(found for (found,) in rows)


def _names(term: Term) -> Iterator[tuple[str, Scope]]:
    """Every name once; the preferred one is exact, and so is a synonym that is exact anywhere."""
    scopes: dict[str, Scope] = {}
    for synonym in term.synonyms:
        text = " ".join(synonym.text.split())
        if text and scopes.get(text) != "exact":
            scopes[text] = synonym.scope
    scopes[" ".join(term.name.split())] = "exact"
    yield from scopes.items()


def _parents(terms: Iterable[Term]) -> set[tuple[str, str]]:
    """What stands right above what; places in trees are resolved to the terms that stand there."""
    given = list(terms)
    at = {place: term.id for term in given for place in term.parents if place.startswith("tree:")}
    found: set[tuple[str, str]] = set()
    for term in given:
        for parent in term.parents:
            if not parent.startswith("tree:"):
                found.add((term.id, parent))
            elif (place := above(parent.removeprefix("tree:"))) is not None and f"tree:{place}" in at:
                found.add((term.id, at[f"tree:{place}"]))
    return {(term, parent) for term, parent in found if term != parent}


def _twice(terms: Iterable[Term]) -> str:
    seen: dict[str, int] = {}
    for term in terms:
        seen[term.id] = seen.get(term.id, 0) + 1
    return next(id_ for id_, times in seen.items() if times > 1)
