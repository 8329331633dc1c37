"""Writes a section's text, and keeps its tables with the spans at which their text forms stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from medkg_contracts.ir import Span, Table
from pydantic import JsonValue

from .generic import Object, inline, is_scalar, label, objects_in, scalar_text

#: A table with more columns is written one field a line: such a grid cannot be read.
MAX_GRID_COLUMNS = 12
#: A list of objects has at most this many columns of its own; further fields share one more.
MAX_COLUMNS = 40
#: A list of plain values up to this length stands in one line.
MAX_LINE_LIST = 200

CELL_BREAK = " | "


@dataclass(frozen=True, slots=True)
class Grid:
    """A table before it has a place in a text."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def compact(self) -> "Grid":
        """The table without rows and columns that are empty."""
        rows = [row for row in self.rows if any(row)]
        used = [number for number in range(len(self.columns)) if any(row[number] for row in rows)]
        return Grid(self.caption, [self.columns[n] for n in used], [[row[n] for n in used] for row in rows])

    def text(self) -> str:
        """The text form: a line a row, or a line a field when cells have lines of their own."""
        by_field = len(self.columns) > MAX_GRID_COLUMNS or any("\n" in cell for row in self.rows for cell in row)
        body = self._records() if by_field else self._lines()
        return f"{self.caption}\n{body}" if self.caption else body

    def _lines(self) -> str:
        return "\n".join(CELL_BREAK.join(row).rstrip() for row in (self.columns, *self.rows))

    def _records(self) -> str:
        return "\n\n".join(
            "\n".join(f"{column}: {cell}" for column, cell in zip(self.columns, row, strict=True) if cell)
            for row in self.rows
        )


class SectionWriter:
    """Collects a section's paragraphs, ``Label: value`` lines and tables."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._after_line = False
        self.tables: list[Table] = []

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(self._parts)

    def paragraph(self, text: str) -> None:
        """Writes a paragraph, or several."""
        if text:
            self._put(text, line=False)

    def line(self, name: str, text: str) -> None:
        """Writes ``name: text``; below its name when it has lines of its own."""
        if "\n" in text:
            self._put(f"{name}:\n{text}", line=False)
        elif text:
            self._put(f"{name}: {text}", line=True)

    def table(self, grid: Grid) -> bool:
        """Writes a table and keeps it; an empty one is left out. Says whether it was written."""
        grid = grid.compact()
        if grid.rows:
            span = self._put(grid.text(), line=False)
            rows = [list(row) for row in grid.rows]
            self.tables.append(Table(caption=grid.caption, columns=list(grid.columns), rows=rows, span=span))
        return bool(grid.rows)

    def records(self, caption: str, items: Sequence[Object], first: Sequence[str] = ()) -> None:
        """Writes objects as a table with a column for every field, those in `first` at the left."""
        seen = dict.fromkeys(name for item in items for name in item)
        names = [*(name for name in first if name in seen), *(name for name in seen if name not in first)]
        names, further = names[:MAX_COLUMNS], frozenset(names[MAX_COLUMNS:])
        columns = [label(name) for name in names] + ["Further fields"] * bool(further)
        rows = [[inline(item.get(name)) for name in names] for item in items]
        if further:
            for row, item in zip(rows, items, strict=True):
                row.append(inline({name: value for name, value in item.items() if name in further}))
        self.table(Grid(caption, columns, rows))

    def value(self, name: str, value: JsonValue) -> None:
        """Writes any value under this name."""
        if isinstance(value, dict):
            self.values(value, f"{name} / ")
        elif isinstance(value, list):
            self._list(name, value)
        elif value is not None:
            self.line(name, scalar_text(value))

    def values(self, values: Object, prefix: str = "") -> None:
        """Writes an object's fields under their own names."""
        for name, value in values.items():
            self.value(prefix + label(name), value)

    def _list(self, name: str, items: list[JsonValue]) -> None:
        if all(map(is_scalar, items)):
            texts = [text for text in map(inline, items) if text]
            plain = not any("," in text or "\n" in text for text in texts) or len(texts) == 1
            joined = ", ".join(texts)
            short = plain and len(joined) <= MAX_LINE_LIST
            self.line(name, joined if short else "\n".join(f"* {text}" for text in texts))
        elif (objects := objects_in(items)) is not None:
            self.records(name, objects)
        else:
            for number, item in enumerate(items, 1):
                self.value(f"{name} {number}", item)

    def _put(self, text: str, *, line: bool) -> Span:
        if self._parts:
            gap = "\n" if line and self._after_line else "\n\n"
            self._parts.append(gap)
            self._length += len(gap)
        self._parts.append(text)
        span = Span(start=self._length, end=self._length + len(text))
        self._length = span.end
        self._after_line = line
        return span
