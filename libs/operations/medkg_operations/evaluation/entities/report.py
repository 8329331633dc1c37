"""What the evaluation of names found."""

from collections import Counter
from collections.abc import Iterable, Mapping

from medkg_contracts.model import Contract
from medkg_recognition.scoring import Counts, Score


class Measure(Contract):
    """How well what was found agrees with what is marked.

    Attributes:
        right: how often they agree.
        spurious: how often something was found that is not marked.
        missed: how often something is marked that was not found.
    """

    right: int
    spurious: int
    missed: int
    precision: float
    recall: float
    f1: float


class KindScores(Contract):
    """Of one kind of thing, or of all together.

    Attributes:
        strict: the same stretch, and the same kind.
        relaxed: one that overlaps, of the same kind; each counts once.
        normalised: of each document, which terms it names.
    """

    strict: Measure
    relaxed: Measure
    normalised: Measure


class EntitiesReport(Contract):
    """The whole of it.

    Attributes:
        name: of the file or folder.
        names: how names were looked for.
        mentions: that are marked, of kinds that are looked for.
        kinds: by Biolink category, of those that the corpus marks.
        micro: of all of them together.
        ignored: marked mentions of kinds that are not looked for, by kind.
        unlabelled: found mentions of kinds that the corpus does not mark, by category; they are not counted.
        verdicts: what became of the mentions, by verdict.
        digests: of the model and the vocabularies.
    """

    name: str
    documents: int
    names: str
    mentions: int
    kinds: dict[str, KindScores]
    micro: KindScores
    ignored: dict[str, int]
    unlabelled: dict[str, int]
    verdicts: dict[str, int]
    digests: dict[str, str]


def kind_scores(score: Score) -> KindScores:
    """A score with its shares."""
    return KindScores(
        strict=_measure(score.strict), relaxed=_measure(score.relaxed), normalised=_measure(score.normalised)
    )


def in_order(counts: Iterable[str]) -> Mapping[str, int]:
    """How often each occurs, in the order of their names."""
    return dict(sorted(Counter(counts).items()))


def _measure(counts: Counts) -> Measure:
    return Measure(
        right=counts.right,
        spurious=counts.spurious,
        missed=counts.missed,
        precision=counts.precision,
        recall=counts.recall,
        f1=counts.f1,
    )
