"""KGX files: rows of tables or lines of JSON, compressed or not."""

import gzip
import io
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal, Self, cast

import orjson
from medkg_contracts.errors import InvalidInput

from .cells import columns_of, record_of, row_of
from .records import Record

Form = Literal["tsv", "jsonl"]

#: The longest row that is read, in bytes.
LONGEST_ROW: Final = 16 * 1024 * 1024
_COMPRESSED: Final = ".gz"


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read.

    Attributes:
        line: its number in the file, from 1.
        record: None if there is none.
        problem: why there is none.
        text: what stands there, at most 1,000 characters of it.
    """

    line: int
    record: Record | None
    problem: str
    text: str


def paths_of(prefix: str, form: Form) -> tuple[Path, Path]:
    """The files of nodes and of edges; compressed if the prefix ends with ``.gz``."""
    end = _COMPRESSED if prefix.endswith(_COMPRESSED) else ""
    stem = prefix.removesuffix(_COMPRESSED)
    return Path(f"{stem}_nodes.{form}{end}"), Path(f"{stem}_edges.{form}{end}")


def form_of(path: Path) -> Form:
    """The form that a file's name says it has.

    Raises:
        InvalidInput: it says none.
    """
    match path.name.removesuffix(_COMPRESSED).rpartition(".")[2]:
        case "tsv":
            return "tsv"
        case "jsonl":
            return "jsonl"
        case _:
            raise InvalidInput(
                f"{path} is neither .tsv nor .jsonl", remedy="Give files with such a name; .gz may follow."
            )


class RecordWriter:
    """Takes records; the file is there, whole, when the context ends without an error.

    A table's header names all columns, so its records wait in a file until the last has come.
    """

    def __init__(self, path: Path, form: Form, first: Sequence[str]) -> None:
        """Write to this path; `first` are the columns that a table begins with."""
        self._path, self._form, self._first = path, form, first
        self._names: set[str] = set()
        self.written = 0

    def __enter__(self) -> Self:
        """Open a file beside it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._waiting: IO[bytes] = tempfile.TemporaryFile(dir=self._path.parent)
        except OSError as error:
            raise InvalidInput(f"{self._path} cannot be written: {error}", remedy="Name another place.") from error
        return self

    def write(self, record: Record) -> None:
        """Take a record."""
        self._names |= record.keys()
        self._waiting.write(orjson.dumps(record))
        self._waiting.write(b"\n")
        self.written += 1

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Finish the file, unless an error ended it."""
        with self._waiting as waiting:
            if error is not None:
                return
            waiting.seek(0)
            part = self._path.with_name(f"{self._path.name}.part")
            with _written(part, compressed=self._path.name.endswith(_COMPRESSED)) as file:
                for line in self._lines(waiting):
                    file.write(line)
            part.replace(self._path)

    def _lines(self, waiting: IO[bytes]) -> Iterator[bytes]:
        if self._form == "jsonl":
            yield from waiting
            return
        columns = columns_of(self._first, self._names)
        yield "\t".join(columns).encode() + b"\n"
        for line in waiting:
            yield row_of(orjson.loads(line), columns).encode() + b"\n"


def read_rows(path: Path) -> Iterator[Row]:
    """All rows, good and bad.

    Raises:
        InvalidInput: the file cannot be read at all, or its name does not say its form.
    """
    form = form_of(path)
    try:
        with path.open("rb") as raw, _read(raw, path) as file:
            yield from _json_rows(file) if form == "jsonl" else _table_rows(file, path)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from error


def _json_rows(file: IO[bytes]) -> Iterator[Row]:
    for number, line in _lines(file):
        text = line[:4000].decode("utf-8", "replace")[:1000]
        if len(line) > LONGEST_ROW:
            yield Row(number, None, f"is longer than {LONGEST_ROW} bytes", text)
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield Row(number, None, f"is no JSON: {error}", text)
            continue
        if isinstance(record, dict):
            yield Row(number, record, "", text)
        else:
            yield Row(number, None, "is no JSON object", text)


def _table_rows(file: IO[bytes], path: Path) -> Iterator[Row]:
    lines = _lines(file)
    try:
        _, header = next(lines)
        columns = header.decode().split("\t")
    except (StopIteration, UnicodeDecodeError):
        raise InvalidInput(f"{path} has no header", remedy="Its first row has to name the columns.") from None
    for number, line in lines:
        text = line[:4000].decode("utf-8", "replace")[:1000]
        try:
            cells = line.decode().split("\t")
            if len(line) > LONGEST_ROW:
                raise ValueError(f"is longer than {LONGEST_ROW} bytes")
            if len(cells) != len(columns):
                raise ValueError(f"has {len(cells)} cells, but the header {len(columns)}")
            record = record_of(dict(zip(columns, cells, strict=True)))
        except ValueError as error:
            yield Row(number, None, str(error), text)
        else:
            yield Row(number, record, "", text)


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that have something, with their numbers; of one that is too long the beginning."""
    number = 0
    while line := file.readline(LONGEST_ROW + 2):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_ROW)
        if line := line.rstrip(b"\r\n"):
            yield number, line


@contextmanager
def _written(path: Path, *, compressed: bool) -> Iterator[IO[bytes]]:
    """A file to write; the same records make the same bytes, whenever and wherever they are written."""
    with path.open("wb") as raw:
        if compressed:
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file, io.BufferedWriter(file) as buffered:
                yield buffered
        else:
            yield raw


@contextmanager
def _read(raw: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    if path.name.endswith(_COMPRESSED):
        with gzip.GzipFile(fileobj=raw) as file:
            yield cast("IO[bytes]", file)
    else:
        yield raw
