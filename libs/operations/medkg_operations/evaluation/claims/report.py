"""What the evaluation of claims found."""

from collections import Counter
from collections.abc import Sequence

from medkg_contracts.model import Contract

from .collection import Annotated
from .findings import Findings
from .scores import Found, Share, f1, macro_f1, pairs, stands


class TripleScores(Contract):
    """How well claims are found by themselves.

    Attributes:
        found: claims that were found.
        correct: of these, those of an annotated comparison with its direction.
        comparisons_f1: the same, whatever the direction.
        direction_accuracy: of the claims of an annotated comparison, the share that has its direction.
        evidence: of these, the share whose quote overlaps with a place that annotators name.
        exact_spans: of all that were found, the share whose quote stands in the text, at its place.
    """

    found: int
    correct: int
    precision: float
    recall: float
    f1: float
    comparisons_f1: float
    direction_accuracy: float
    evidence: float
    exact_spans: float


class DirectionScores(Contract):
    """How well the direction of a given comparison is read.

    Attributes:
        asked: comparisons.
        unanswered: without a direction in the answer.
        accuracy: the share of all that were asked that has the annotated direction.
        macro_f1: the mean of the directions' F1.
        most_frequent: the accuracy of always saying the most frequent direction.
        exact_spans: of all answers, the share whose quote stands in what was read.
    """

    asked: int
    unanswered: int
    accuracy: float
    macro_f1: float
    most_frequent: float
    exact_spans: float


class ClaimsReport(Contract):
    """An evaluation.

    Attributes:
        articles: how many were read.
        comparisons: annotated ones in these.
        left_out: annotations that do not count, by reason.
        threshold: names that are at least so alike are the same.
        model: that was asked; None where artifacts were looked at.
        requests: that its server has answered now.
        recalled: answers that were there already.
        dropped: what the model said that the articles do not bear out, by reason.
    """

    name: str
    articles: int
    comparisons: int
    left_out: dict[str, int]
    threshold: float
    model: str | None = None
    requests: int = 0
    recalled: int = 0
    dropped: dict[str, int] = {}
    triples: TripleScores | None = None
    direction: DirectionScores | None = None


def report_on(annotated: Annotated, findings: Sequence[Findings], threshold: float) -> ClaimsReport:
    """The numbers; about the model and its server the caller knows."""
    dropped = sum((each.dropped for each in findings), Counter[str]())
    return ClaimsReport(
        name=annotated.name,
        articles=len(findings),
        comparisons=sum(len(each.article.comparisons) for each in findings),
        left_out=dict(sorted(annotated.left_out.items())),
        threshold=threshold,
        dropped=dict(sorted((+dropped).items())),
        triples=_triples(findings, threshold) if any(each.found is not None for each in findings) else None,
        direction=_directions(findings) if any(each.answered for each in findings) else None,
    )


def _triples(findings: Sequence[Findings], threshold: float) -> TripleScores:
    annotated = sum(len(each.article.comparisons) for each in findings)
    agreed, evident, exact = Share(), Share(), Share()
    for each in findings:
        found, comparisons, text = each.found or [], each.article.comparisons, each.article.text
        paired = pairs(comparisons, found, threshold)
        agreed += Share(sum(pair.agrees for pair in paired), len(paired))
        hits = (_overlaps(found[pair.found], each, pair.comparison) for pair in paired)
        evident += Share(sum(hits), len(paired))
        exact += Share(sum(stands(claim, text) for claim in found), len(found))
    correct, matched, total = agreed.those, agreed.of, exact.of
    return TripleScores(
        found=total,
        correct=correct,
        precision=Share(correct, total).value,
        recall=Share(correct, annotated).value,
        f1=f1(correct, total, annotated),
        comparisons_f1=f1(matched, total, annotated),
        direction_accuracy=agreed.value,
        evidence=evident.value,
        exact_spans=exact.value,
    )


def _overlaps(claim: Found, findings: Findings, comparison: int) -> bool:
    start = claim.span.start if claim.span else findings.article.text.find(claim.quote)
    end = start + len(claim.quote)
    places = findings.article.comparisons[comparison].evidence
    return start >= 0 and any(place.start < end and start < place.end for place in places)


def _directions(findings: Sequence[Findings]) -> DirectionScores:
    said = [
        (comparison.direction, answered.direction)
        for each in findings
        for comparison, answered in zip(each.article.comparisons, each.answered, strict=True)
    ]
    exact = Share()
    for each in findings:
        claims = [answered.found for answered in each.answered if answered.found]
        exact += Share(sum(stands(claim, each.article.text) for claim in claims), len(claims))
    most = max(Counter(direction for direction, _ in said).values(), default=0)
    return DirectionScores(
        asked=len(said),
        unanswered=sum(direction is None for _, direction in said),
        accuracy=Share(sum(gold == direction for gold, direction in said), len(said)).value,
        macro_f1=macro_f1(said),
        most_frequent=Share(most, len(said)).value,
        exact_spans=exact.value,
    )
