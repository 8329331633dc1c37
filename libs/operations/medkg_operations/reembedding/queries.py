"""The queries by which two models are compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medkg_contracts.errors import InvalidInput, NotFound

from medkg_operations.evaluation.collection import Judgments, read_collection
from medkg_operations.evaluation.collection_files import read_queries

#: Which judgments of a folder count.
SPLIT = "test"


@dataclass(frozen=True)
class QuerySet:
    """Queries, and what answers them, where that is known.

    Attributes:
        queries: their texts by id.
        judgments: what documents are worth, by query.
    """

    queries: Mapping[str, str]
    judgments: Judgments = field(default_factory=dict)


def read_query_set(path: Path) -> QuerySet:
    """A folder in BEIR's layout with judgments, a file of its ``queries.jsonl``, or a text file with a query a line.

    Raises:
        NotFound: there is no such file, or the folder lacks one.
        InvalidInput: a line is none, or there are no queries.
    """
    if path.is_dir():
        collection = read_collection(path)
        judgments = collection.split(SPLIT)
        return QuerySet({query: collection.queries[query] for query in judgments}, judgments)
    if not path.exists():
        raise NotFound(
            f"{path} does not exist", remedy="Name a file with a query a line, or a folder in BEIR's layout."
        )
    queries = read_queries(path) if path.suffix == ".jsonl" else _lines(path)
    if not queries:
        raise InvalidInput(f"{path} has no queries", remedy="Write a query on each line.")
    return QuerySet(queries)


def _lines(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", remedy="Name a text file in UTF-8.") from error
    return {str(number): text for number, line in enumerate(lines, 1) if (text := " ".join(line.split()))}
