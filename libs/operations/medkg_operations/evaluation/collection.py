"""A test collection in BEIR's layout: a corpus, queries, and by split what of the corpus answers which query."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson
from medkg_contracts.errors import InvalidInput, NotFound
from medkg_contracts.ids import digest

from .collection_files import Row, read_corpus, read_judgments, read_queries

CORPUS: Final = "corpus.jsonl"
QUERIES: Final = "queries.jsonl"
QRELS: Final = "qrels"

#: By query, how well documents answer it: 0 is not at all.
Judgments = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class BeirCollection:
    """What a folder holds, read and checked.

    Attributes:
        folder: where it is.
        rows: of the corpus, by id.
        wordless: where rows stand that have neither title nor text, so that nothing can find them; by id.
        queries: their texts, by id.
        splits: the judgments by the name of their file, such as ``test``.
    """

    folder: Path
    rows: Mapping[str, Row]
    wordless: Mapping[str, str]
    queries: Mapping[str, str]
    splits: Mapping[str, Judgments]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.resolve().name

    @cached_property
    def digest(self) -> str:
        """What tells this corpus from every other, were it a changed row."""
        return digest(*(f"{row.id}\x1f{row.sha256}" for row in self.rows.values()))

    def body(self, row: Row) -> bytes:
        """The row's bytes, as they stand in the corpus.

        Raises:
            InvalidInput: the file was changed since it was read.
        """
        with (self.folder / CORPUS).open("rb") as file:
            file.seek(row.start)
            body = file.read(row.size)
        if sha256(body).hexdigest() != row.sha256:
            raise InvalidInput(
                f"{self.folder / CORPUS}:{row.line}: the row was changed since the evaluation began",
                remedy="Run the evaluation again when nobody writes the corpus.",
            )
        return body

    def words(self, row: Row) -> str:
        """The row's title and text.

        Raises:
            InvalidInput: the file was changed since it was read.
        """
        record = orjson.loads(self.body(row))
        return " ".join(f"{record.get('title') or ''} {record.get('text') or ''}".split())

    def absent(self, judgments: Judgments) -> list[str]:
        """The documents that are judged and in no row of the corpus, by id."""
        judged = {document for of_query in judgments.values() for document in of_query}
        return sorted(judged - self.rows.keys() - self.wordless.keys())

    def split(self, name: str) -> Judgments:
        """The judgments of this name.

        Raises:
            NotFound: there are none.
        """
        if name not in self.splits:
            raise NotFound(
                f"{self.folder / QRELS} has no {name}.tsv; it has {', '.join(self.splits)}",
                remedy="Name one of these with --split.",
            )
        return self.splits[name]


def read_collection(folder: Path) -> BeirCollection:
    """Read a folder with ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/*.tsv``, and check all that stands there.

    Raises:
        NotFound: a file of these is missing.
        InvalidInput: a row breaks a rule; the message names file and line of the first ones.
    """
    for name in (CORPUS, QUERIES, QRELS):
        if not (folder / name).exists():
            raise NotFound(
                f"{folder} has no {name}",
                remedy=f"Name a folder in BEIR's layout: {CORPUS}, {QUERIES} and {QRELS}/test.tsv.",
            )
    rows, wordless = read_corpus(folder / CORPUS)
    queries = read_queries(folder / QUERIES)
    known = rows.keys() | wordless.keys()
    files = sorted((folder / QRELS).glob("*.tsv"))
    if not files:
        raise NotFound(f"{folder / QRELS} has no .tsv file", remedy=f"Put the judgments into {QRELS}/test.tsv.")
    splits = {file.stem: read_judgments(file, queries.keys(), known) for file in files}
    return BeirCollection(folder, rows, wordless, queries, splits)
