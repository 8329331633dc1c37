"""Vocabularies: built of their sources, and looked at."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medkg_contracts.errors import ConfigurationError, NotFound
from medkg_vocabulary import (
    FORMATS,
    SHIPPED,
    About,
    Compiled,
    Counts,
    Reading,
    Term,
    Vocabulary,
    format_of,
    shipped,
    write_vocabulary,
)

#: Terms between two words on how far it is.
_TOLD_EVERY: Final = 1_000
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,40}")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that a vocabulary is built of.

    Attributes:
        format: by which it is read, of `FORMATS`.
    """

    path: Path
    format: str


@dataclass(frozen=True, slots=True)
class Built:
    """What was built.

    Attributes:
        path: of the file.
        digest: of what it says.
    """

    path: Path
    about: About
    sources: tuple[Source, ...]
    compiled: Compiled
    digest: str


@dataclass(frozen=True, slots=True)
class Described:
    """What a vocabulary is, and how much it has."""

    path: Path
    about: About
    digest: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A term beside another.

    Attributes:
        name: "" for one that the vocabulary does not have.
    """

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class DescribedTerm:
    """What a vocabulary says of a term.

    Attributes:
        names: by scope, without the preferred one.
        descendants: how many terms are below it, however far.
    """

    id: str
    name: str
    category: str
    names: Mapping[str, tuple[str, ...]]
    parents: tuple[Neighbour, ...]
    children: tuple[Neighbour, ...]
    descendants: int
    xrefs: tuple[str, ...]
    former: tuple[str, ...]


def build_vocabulary(
    sources: Sequence[Path],
    output: Path,
    about: About,
    reading: Reading,
    format_: str | None,
    progress: Callable[[int], None],
) -> Built:
    """Compile these files into one vocabulary; what is at its place is replaced when it is done.

    Args:
        sources: files of any formats.
        output: where it goes.
        about: what is said of it.
        reading: what the files do not say of themselves.
        format_: of all of them; None where their content says it.
        progress: told now and then how many terms have been read.

    Raises:
        InvalidInput: a source cannot be read; the message has the file, and the line where there are lines.
        ConfigurationError: the name is none, or the file cannot be written.
    """
    if not _NAME.fullmatch(about.name):
        raise ConfigurationError(
            f"{about.name!r} is no name of a vocabulary",
            remedy="Take small letters, digits and hyphens, such as mondo.",
        )
    known = tuple(Source(path, format_ or format_of(path)) for path in sources)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        compiled = write_vocabulary(output, about, _told(_read(known, reading), progress))
    except (OSError, sqlite3.OperationalError) as error:
        raise ConfigurationError(
            f"{output} cannot be written: {error}", remedy="Name another file, or make room for it."
        ) from error
    with closing(Vocabulary(output)) as vocabulary:
        return Built(output, about, known, compiled, vocabulary.digest)


def open_vocabulary(where: str) -> Vocabulary:
    """One that comes with medkg, by its name, or the file at this path.

    Raises:
        ConfigurationError: there is none, or it is of another medkg.
    """
    return Vocabulary(shipped(where) if where in SHIPPED else Path(where))


def describe(vocabulary: Vocabulary) -> Described:
    """What it is, and how much it has."""
    return Described(vocabulary.path, vocabulary.about, vocabulary.digest, vocabulary.counts())


def describe_terms(vocabulary: Vocabulary, text: str) -> list[DescribedTerm]:
    """The term with this id, or those with this name, the ones that mean just it first.

    Raises:
        NotFound: there is none.
    """
    by_id = vocabulary.term(text)
    found = [by_id] if by_id else [term for id_ in vocabulary.named(text) if (term := vocabulary.term(id_))]
    if not found:
        raise NotFound(
            f"{vocabulary.about.name} has no term with the id or the name {text!r}",
            remedy="Give a whole name, in upper or lower case, or an id such as MESH:D001249.",
        )
    return [_described(vocabulary, term) for term in found]


def _read(sources: Sequence[Source], reading: Reading) -> Iterator[Term]:
    for source in sources:
        yield from FORMATS[source.format](source.path, reading)


def _told(terms: Iterator[Term], progress: Callable[[int], None]) -> Iterator[Term]:
    for number, term in enumerate(terms, 1):
        if number % _TOLD_EVERY == 0:
            progress(number)
        yield term


def _described(vocabulary: Vocabulary, term: Term) -> DescribedTerm:
    names: dict[str, tuple[str, ...]] = {}
    for synonym in term.synonyms:
        names[synonym.scope] = (*names.get(synonym.scope, ()), synonym.text)

    def beside(ids: Sequence[str]) -> tuple[Neighbour, ...]:
        return tuple(Neighbour(id_, vocabulary.label(id_) or "") for id_ in ids)

    return DescribedTerm(
        id=term.id,
        name=term.name,
        category=term.category,
        names=dict(sorted(names.items())),
        parents=beside(term.parents),
        children=beside(vocabulary.children(term.id)),
        descendants=len(vocabulary.descendants(term.id)),
        xrefs=term.xrefs,
        former=term.former,
    )
