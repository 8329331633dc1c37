"""What is found in annotated articles: by a model that is asked now, or by an extraction whose artifacts are there."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_args

from medkg_claims import ClaimReader, Direction, ReadClaim, StoredAnswers
from medkg_contracts.errors import InvalidInput
from medkg_contracts.knowledge import Claim, Claims
from pydantic import ValidationError

from .collection import Annotated, Article
from .passages import nearest, passages
from .scores import Found

#: With so many passages a model is asked for a direction: there 58 of the 71 comparisons of the sample that this was
#: tried on have annotated evidence.
NEAREST: Final = 5
#: The number at the end of an article's id, such as ``pmc:PMC65045``.
_ID: Final = re.compile(r"(?:^|[^0-9])([0-9]+)$")


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model says on a given comparison.

    Attributes:
        direction: None if it gave none.
        found: the same as a claim, with its quote; None if it gave no direction.
    """

    direction: Direction | None
    found: Found | None


@dataclass(slots=True)
class Findings:
    """What is found in one article.

    Attributes:
        found: without being told what to look for; None where nobody was asked.
        answered: for each of the article's comparisons, in their order; empty where nobody was asked.
        dropped: what a model said that the article does not bear out, by reason.
    """

    article: Article
    found: list[Found] | None = None
    answered: list[Answered] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


async def read_claims(reader: ClaimReader, article: Article, answers: StoredAnswers) -> Findings:
    """What the reader finds in an article by itself. It raises what `ClaimReader.read` does."""
    reading = await reader.read(passages(article), answers)
    return Findings(article, [_found(claim) for claim in reading.claims], dropped=reading.dropped)


async def read_directions(reader: ClaimReader, findings: Findings, answers: StoredAnswers) -> None:
    """Add what the reader says on each of the article's comparisons. It raises what `ClaimReader.direction` does."""
    chunks = passages(findings.article)
    for each in findings.article.comparisons:
        compared = (each.intervention, each.comparator, each.outcome)
        direction, evidence = await reader.direction(compared, nearest(each, chunks, NEAREST), answers)
        said = None
        if direction is not None:
            quote, span = (evidence.quote, evidence.span) if evidence else ("", None)
            said = Found(*compared, direction, quote, span)
        findings.answered.append(Answered(direction, said))


def of_artifacts(path: Path, annotated: Annotated) -> list[Findings]:
    """What `claims` artifacts say: a file, or all files below a folder that are such artifacts.

    A document is the article whose number its id ends with; others do not count. Claims without a direction are no
    results of trials.

    Raises:
        InvalidInput: there is no such artifact.
    """
    by_article: defaultdict[str, list[Found]] = defaultdict(list)
    documents = 0
    for claims in _artifacts(path):
        documents += 1
        if (number := _ID.search(claims.document_id)) is not None:
            by_article[number[1]] += [found for claim in claims.claims if (found := _found_of(claim))]
    if not documents:
        raise InvalidInput(f"{path} has no claims artifact", remedy="Name a file or a folder of what extract has made.")
    return [Findings(article, by_article.get(article.id, [])) for article in annotated.articles]


def _artifacts(path: Path) -> Iterator[Claims]:
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    for file in files:
        try:
            yield Claims.model_validate_json(file.read_bytes())
        except OSError as error:
            raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
        except ValidationError:
            continue  # another artifact


def _found_of(claim: Claim) -> Found | None:
    direction, comparator = claim.qualifiers.get("direction"), claim.qualifiers.get("comparator", "")
    quote = next((each.quote for each in claim.evidence if each.kind == "text"), "")
    directions: tuple[Direction, ...] = get_args(Direction)
    said = next((each for each in directions if each == direction), None)
    if said is None:
        return None
    subject, object_ = (claim.qualifiers.get(f"original_{end}") for end in ("subject", "object"))
    # Places count in the document that was extracted, whose text need not be that of the annotated file.
    return Found(str(subject or claim.subject), str(comparator), str(object_ or claim.object), said, quote)


def _found(claim: ReadClaim) -> Found:
    evidence = claim.evidence
    return Found(claim.intervention, claim.comparator, claim.outcome, claim.direction, evidence.quote, evidence.span)
