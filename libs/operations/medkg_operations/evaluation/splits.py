"""Which queries weights are tuned on, and on which others they are measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from medkg_contracts.errors import InvalidRequest
from medkg_contracts.ids import digest

from .collection import BeirCollection, Judgments

#: Where weights are tuned, if there is such a split: the first of these.
TRAINING: Final = ("train", "dev")
#: Fewer queries on a side say nothing.
FEWEST: Final = 5


@dataclass(frozen=True, slots=True)
class Sides:
    """Two sets of judged queries that share none.

    Attributes:
        training: what weights are tuned on.
        other: what they are measured on.
        training_name: where the former come from.
        other_name: where the latter come from.
    """

    training: Judgments
    other: Judgments
    training_name: str
    other_name: str


def two_sides(collection: BeirCollection, split: str) -> Sides:
    """A training split and `split`; or, where there is none, two halves of `split`, always the same.

    A query of the training split that is asked in the other too, in whatever letters, is left out of it.

    Raises:
        NotFound: there is no such split.
        InvalidRequest: a side has too few queries.
    """
    measured = collection.split(split)
    name = next((name for name in TRAINING if name in collection.splits and name != split), None)
    if name is None:
        sides = _halves(measured, split)
    else:
        asked = {_words(collection.queries, query) for query in measured}
        training = {
            query: documents
            for query, documents in collection.splits[name].items()
            if query not in measured and _words(collection.queries, query) not in asked
        }
        sides = Sides(training, measured, name, split)
    if min(len(sides.training), len(sides.other)) < FEWEST:
        raise InvalidRequest(
            f"--tune: {len(sides.training)} queries to tune on and {len(sides.other)} others are too few",
            remedy=f"Give the collection at least {FEWEST} judged queries on each side, or evaluate without --tune.",
        )
    return sides


def _halves(judgments: Judgments, split: str) -> Sides:
    """By the digests of the queries' ids, so that an added query moves no other to the other side."""
    first = {query: judged for query, judged in judgments.items() if int(digest(query)[:8], 16) % 2 == 0}
    second = {query: judged for query, judged in judgments.items() if query not in first}
    return Sides(first, second, f"half of {split}", f"the other half of {split}")


def _words(queries: Mapping[str, str], query: str) -> str:
    return queries[query].casefold()
