"""Tables: a line a term, with an id, a name, and perhaps synonyms and parents, separated by tabs.

A first line with the headings ``id`` and ``name`` says what the columns are; without one they are id, name, synonyms
and parents. Several values of a cell are separated by ``|``. Parents that look like places in MeSH's trees are taken
as the term's own places there.

| column | |
|---|---|
| ``id``, ``name`` | of the term; every line has them |
| ``category`` | Biolink's |
| ``synonyms`` | names that mean just this term |
| ``narrow``, ``broad``, ``related`` | names that mean less, more, or something near it |
| ``parents`` | ids of the terms right above |
| ``xrefs`` | CURIEs of the same thing elsewhere |
| ``former`` | ids that it had |
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medkg_contracts.errors import InvalidInput

from medkg_vocabulary.mesh import category_of
from medkg_vocabulary.prefixes import normalised
from medkg_vocabulary.term import Scope, Synonym, Term

from .identifiers import id_of
from .opening import text_lines

if TYPE_CHECKING:
    from . import Reading

_COLUMNS: Final = ("id", "name", "synonyms", "parents")
_HEADINGS: Final = ("id", "name", "category", "synonyms", "narrow", "broad", "related", "parents", "xrefs", "former")
_SCOPES: Final[Mapping[str, Scope]] = {
    "synonyms": "exact", "narrow": "narrow", "broad": "broad", "related": "related",
}  # fmt: skip
_TREE: Final = re.compile(r"[A-Z]\d\d(\.\d+)*")


def read_tsv(path: Path, reading: "Reading") -> Iterator[Term]:
    """The terms of a file.

    Raises:
        InvalidInput: a line has no id, no name, or more cells than there are headings.
    """
    columns: Sequence[str] = _COLUMNS
    headed = False
    for number, line in text_lines(path):
        cells = [cell.strip() for cell in line.split("\t")]
        if number == 1 and {"id", "name"} <= {cell.lower() for cell in cells}:
            columns, headed = [cell.lower() for cell in cells], True
        elif any(cells):
            if headed and any(cells[len(columns) :]):
                raise InvalidInput(f"{path.name}:{number} has {len(cells)} cells, and the headings are {len(columns)}")
            yield _term(dict(zip(columns, cells, strict=False)), reading, f"{path.name}:{number}")


def _term(row: dict[str, str], reading: "Reading", where: str) -> Term:
    id_, name = row.get("id", ""), row.get("name", "")
    if not (id_ and name):
        raise InvalidInput(f"{where} has no {'name' if id_ else 'id'}", remedy="Correct the line, or leave it out.")
    try:
        above = _several(row, "parents")
        trees = [each for each in above if _TREE.fullmatch(each)]
        return Term(
            id=id_of(id_, reading.prefix),
            name=name,
            category=row.get("category") or category_of(trees) or reading.category,
            synonyms=tuple(Synonym(each, scope) for column, scope in _SCOPES.items() for each in _several(row, column)),
            parents=tuple(f"tree:{each}" if each in trees else id_of(each, reading.prefix) for each in above),
            xrefs=tuple(normalised(each) for each in _several(row, "xrefs")),
            former=tuple(id_of(each, reading.prefix) for each in _several(row, "former")),
        )
    except ValueError as error:
        raise InvalidInput(f"{where}: {error}", remedy="Correct the line, or leave it out.") from error


def write_tsv(terms: Iterable[Term]) -> Iterator[str]:
    """The lines of a table that `read_tsv` makes the same terms of.

    Raises:
        InvalidInput: a name has a tab, a line break or a ``|`` in it, which a table cannot hold.
    """
    yield "\t".join(_HEADINGS) + "\n"
    for term in terms:
        names = {column: [s.text for s in term.synonyms if s.scope == scope] for column, scope in _SCOPES.items()}
        cells = {"id": [term.id], "name": [term.name], "category": [term.category], **names}
        cells |= {"parents": [each.removeprefix("tree:") for each in term.parents]}
        cells |= {"xrefs": [*term.xrefs], "former": [*term.former]}
        if strange := [each for cell in cells.values() for each in cell if re.search(r"[\t\r\n|]", each)]:
            raise InvalidInput(f"{term.id} has {strange[0]!r}, which no table can hold")
        yield "\t".join("|".join(cells[column]) for column in _HEADINGS) + "\n"


def _several(row: Mapping[str, str], column: str) -> list[str]:
    return [part.strip() for part in row.get(column, "").split("|") if part.strip()]
