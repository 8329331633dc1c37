"""The files of a test collection, each read line by line; what is wrong is told with file and line."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson
from medkg_contracts.errors import InvalidInput

#: The most documents of a corpus, queries, and judgments of one file.
MAX_ROWS: Final = 1_000_000
#: The most bytes of a line.
MAX_LINE: Final = 16 * 1024 * 1024
#: So many things that are wrong are told at once.
MAX_TOLD: Final = 5

#: An id: as a job's item may be called.
_ID: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,256}")
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the corpus: where its bytes stand, and their digest.

    Attributes:
        line: its number, from 1.
        start: its first byte's offset in the file.
        size: its bytes, without the line's end.
    """

    id: str
    line: int
    start: int
    size: int
    sha256: str


class _Wrong:
    """Collects what is wrong with a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._told: list[str] = []
        self._count = 0

    def note(self, line: int, what: str) -> None:
        """Something is wrong with this line."""
        self._count += 1
        if len(self._told) < MAX_TOLD:
            self._told.append(f"{self._file}:{line}: {what}")

    def check(self) -> None:
        """Refuse the file if anything is wrong.

        Raises:
            InvalidInput: with the first things that are wrong.
        """
        if self._count:
            more = f"; and {self._count - len(self._told)} more" if self._count > len(self._told) else ""
            raise InvalidInput("; ".join(self._told) + more, remedy="Correct the lines that the message names.")


def read_corpus(file: Path) -> tuple[dict[str, Row], dict[str, str]]:
    """The rows that have words, and where those stand that have none; both by id.

    Raises:
        InvalidInput: a line is no row, or has another's id; or there are no rows, or too many.
    """
    rows: dict[str, Row] = {}
    wordless: dict[str, str] = {}
    wrong = _Wrong(file)
    places: dict[str, int] = {}
    for line, start, body in _lines(file):
        record = _record(body, line, wrong)
        if record is None or not _is_new(record["_id"], line, places, wrong):
            continue
        texts = [record.get(name) or "" for name in ("title", "text")]
        if not all(isinstance(text, str) for text in texts):
            wrong.note(line, "title and text are not both text")
        elif any(text.strip() for text in texts):
            rows[record["_id"]] = Row(record["_id"], line, start, len(body), sha256(body).hexdigest())
        else:
            wordless[record["_id"]] = f"{file}:{line}"
    wrong.check()
    if not rows:
        raise InvalidInput(f"{file} has no rows", remedy="Name a folder whose corpus has some.")
    return rows, wordless


def read_queries(file: Path) -> dict[str, str]:
    """The queries' texts, by id.

    Raises:
        InvalidInput: a line is no query, has no words, or has another's id.
    """
    queries: dict[str, str] = {}
    wrong = _Wrong(file)
    places: dict[str, int] = {}
    for line, _, body in _lines(file):
        record = _record(body, line, wrong)
        if record is None or not _is_new(record["_id"], line, places, wrong):
            continue
        text = record.get("text")
        if isinstance(text, str) and text.strip():
            queries[record["_id"]] = " ".join(text.split())
        else:
            wrong.note(line, f"the query {record['_id']!r:.80} has no text")
    wrong.check()
    return queries


def read_judgments(file: Path, queries: Collection[str], documents: Collection[str]) -> dict[str, dict[str, int]]:
    """How well documents answer queries: lines of query, document and a whole number, with tabs between them.

    A first line that names the columns is left out. Some documents may be in no corpus: public collections judge such.

    Raises:
        InvalidInput: a line is none, names a query that there is not, or stands there already; or the corpus has none
            of the documents.
    """
    judged: dict[str, dict[str, int]] = {}
    wrong = _Wrong(file)
    for line, _, body in _lines(file):
        columns = body.decode(errors="replace").strip("\r\n").split("\t")
        if line == 1 and columns[-1].strip() == "score":
            continue
        if len(columns) != 3 or not re.fullmatch(r"-?\d{1,9}", columns[2].strip(), re.ASCII):
            wrong.note(line, "not query, document and a whole number with tabs between them")
            continue
        query, document, score = columns
        if query not in queries:
            wrong.note(line, f"queries.jsonl has no query {query!r:.80}")
        elif document in judged.setdefault(query, {}):
            wrong.note(line, f"query {query!r:.80} and document {document!r:.80} were judged before")
        else:
            judged[query][document] = int(score)
    wrong.check()
    if not judged:
        raise InvalidInput(f"{file} judges nothing", remedy="Remove the file, or put judgments into it.")
    if not any(document in documents for of_query in judged.values() for document in of_query):
        raise InvalidInput(
            f"{file} judges no document that corpus.jsonl has", remedy="Put the corpus and its judgments together."
        )
    return judged


def _lines(file: Path) -> Iterator[tuple[int, int, bytes]]:
    """Each line that is not empty: its number, its offset, and its bytes without its end and without a mark before."""
    try:
        with file.open("rb") as opened:
            start = 0
            for number, line in enumerate(iter(lambda: opened.readline(MAX_LINE + 1), b""), 1):
                if len(line) > MAX_LINE or number > MAX_ROWS:
                    what = f"the file has more than {MAX_ROWS:,} lines" if number > MAX_ROWS else "the line is too long"
                    raise InvalidInput(f"{file}:{number}: {what}", remedy="Evaluate with a part of the collection.")
                marked = len(_BOM) if number == 1 and line.startswith(_BOM) else 0
                body = line[marked:].rstrip(b"\r\n")
                if body.strip():
                    yield number, start + marked, body
                start += len(line)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", remedy="Make the file readable.") from error


def _record(body: bytes, line: int, wrong: _Wrong) -> dict[str, Any] | None:
    """The line's object, which has an id; None if it is none, which is noted."""
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        wrong.note(line, f"not JSON: {error}")
        return None
    if not isinstance(record, dict) or not isinstance(record.get("_id"), str) or not _ID.fullmatch(record["_id"]):
        wrong.note(line, "no object with an `_id` of 1 to 256 characters")
        return None
    return record


def _is_new(id_: str, line: int, places: dict[str, int], wrong: _Wrong) -> bool:
    """Whether the id is no earlier line's, which is noted."""
    first = places.setdefault(id_, line)
    if first != line:
        wrong.note(line, f"the id {id_!r:.80} is that of line {first}")
    return first == line


def judged_documents(judgments: Mapping[str, Mapping[str, int]]) -> int:
    """How many judgments there are."""
    return sum(map(len, judgments.values()))
