"""A compiled vocabulary: one SQLite file with its terms, its names and where it is from."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from medkg_contracts.errors import ConfigurationError

from .term import Scope, Synonym, Term

#: The file's own form; another one has to be compiled anew.
FORM: Final = "3"


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
class Counts:
    """How much a vocabulary has.

    Attributes:
        categories: terms by category.
        scopes: names by scope.
    """

    categories: Mapping[str, int]
    scopes: Mapping[str, int]


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

    def counts(self) -> Counts:
        """How much it has."""
        categories = self._file.execute("SELECT category, count(*) FROM term GROUP BY category ORDER BY category")
        scopes = self._file.execute("SELECT scope, count(*) FROM name GROUP BY scope ORDER BY scope")
        return Counts(dict(categories), dict(scopes))

    def term(self, id_: str) -> Term | None:
        """All that it says of a term; of one that it was merged into, if its id is a former one."""
        current = self.current(id_)
        row = self._file.execute("SELECT name, category FROM term WHERE id = ?", (current,)).fetchone()
        if row is None:
            return None
        name, category = row
        synonyms = self._file.execute(
            "SELECT text, scope FROM name WHERE term = ? AND text != ? ORDER BY text", (current, name)
        )
        return Term(
            current,
            name,
            category,
            synonyms=tuple(Synonym(text, scope) for text, scope in synonyms),
            parents=self._column("SELECT parent FROM parent WHERE term = ? ORDER BY parent", current),
            xrefs=self._column("SELECT xref FROM xref WHERE term = ? ORDER BY xref", current),
            former=self._column("SELECT id FROM former WHERE term = ? ORDER BY id", current),
        )

    def children(self, id_: str) -> tuple[str, ...]:
        """The terms right below one."""
        return self._column("SELECT term FROM parent WHERE parent = ? ORDER BY term", self.current(id_))

    def named(self, name: str) -> tuple[str, ...]:
        """The ids of the terms that have this name, whatever its case; those that mean just it come first."""
        return self._column(
            "SELECT term FROM name WHERE text = ? COLLATE NOCASE GROUP BY term ORDER BY min(scope != 'exact'), term",
            " ".join(name.split()),
        )

    def _column(self, query: str, of: str) -> tuple[str, ...]:
        return tuple(found for (found,) in self._file.execute(query, (of,)))

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

    def xrefs(self) -> Iterator[tuple[str, str]]:
        """All references: a term's id, and the same thing's id in another vocabulary."""
        yield from self._file.execute("SELECT term, xref FROM xref ORDER BY term, xref")

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

    def exactly_named(self, name: str) -> list[tuple[str, str]]:
        """The terms of which this is an exact name, in any case: ids, with the name as it is written.

        Those come first that prefer the name.
        """
        rows = self._file.execute(
            "SELECT term, text FROM name JOIN term ON id = term WHERE text = ? COLLATE NOCASE AND scope = 'exact' "
            "ORDER BY text != name, term, text",
            (" ".join(name.split()),),
        )
        found: dict[str, str] = {}
        for term, text in rows:
            found.setdefault(term, text)
        return list(found.items())

    def below(self, id_: str, most: int) -> dict[str, str] | None:
        """The terms below one with their names, the nearest first; None where they are more than so many."""
        start = self.current(id_)
        found: dict[str, str] = {}
        level = [start]
        while level:
            marks = ", ".join("?" * len(level))
            rows = self._file.execute(
                f"SELECT DISTINCT id, name FROM parent JOIN term ON id = parent.term WHERE parent IN ({marks}) "  # noqa: S608
                "ORDER BY id",
                level,
            ).fetchall()
            fresh = {term: name for term, name in rows if term not in found and term != start}
            found |= fresh
            if len(found) > most:
                return None
            level = list(fresh)
        return found

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
