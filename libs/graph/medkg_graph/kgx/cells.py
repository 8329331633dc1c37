"""Records as rows of a table: what a cell cannot say exactly stands once more, as JSON, in the last column. Pure.

A cell is text; it is a list if its column is one, or if it has a ``|``, and a number or a truth value if it looks like
one, as KGX's own tools read it. Text that looks like something else, or that has a tab in it, is therefore told twice.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from math import isfinite
from typing import Any, Final

import orjson

from .records import LISTS, TEXTS, Record

#: The column that has what the others cannot say.
EXACT: Final = "medkg_exact"
_BETWEEN: Final = "|"
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
_SPACES: Final = re.compile(r"[\t\r\n\v\f]+")


def columns_of(first: Sequence[str], names: Collection[str]) -> list[str]:
    """The header: the known columns, then attributes, then medkg's own."""
    others = sorted(set(names) - set(first) - {EXACT}, key=lambda name: (name.startswith("medkg_"), name))
    return [*first, *others, EXACT]


def row_of(record: Record, columns: Sequence[str]) -> str:
    """A row, without its end."""
    cells = {name: _cell(value) for name, value in record.items()}
    inexact = {name: value for name, value in record.items() if not _same(_value(name, cells[name]), value)}
    if inexact:
        cells[EXACT] = orjson.dumps(inexact, option=orjson.OPT_SORT_KEYS).decode()
    return "\t".join(cells.get(name, "") for name in columns)


def record_of(cells: Mapping[str, str]) -> Record:
    """The record of a row.

    Raises:
        ValueError: the last column is no JSON.
    """
    record = {
        name: value for name, cell in cells.items() if name != EXACT and (value := _value(name, cell)) is not None
    }
    return {**record, **orjson.loads(cells.get(EXACT) or "{}")}


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a record has
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return _BETWEEN.join(_cell(item) for item in value)
    return _SPACES.sub(" ", str(value))


def _value(name: str, cell: str) -> Any:  # noqa: ANN401 - whatever a record has
    """What a reader takes a cell for; None if it is empty."""
    if not cell:
        return None
    if name in TEXTS or name.startswith("medkg_"):
        return cell
    if name in LISTS or _BETWEEN in cell:
        return cell.split(_BETWEEN)
    return _scalar(cell)


def _scalar(cell: str) -> str | int | float | bool:
    if cell in ("true", "false"):
        return cell == "true"
    if _INTEGER.fullmatch(cell):
        return int(cell)
    try:
        number = float(cell)
    except ValueError:
        return cell
    return number if isfinite(number) and repr(number) == cell else cell


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other
