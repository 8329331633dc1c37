"""A statement's evidence in a few words: which study says so, in which arms, with what p-value, and where it stands."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from medkg_contracts.knowledge import Evidence, Scalar
from medkg_graph.views import ClaimView
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

#: Pieces of evidence that are shown of a claim, and characters of each; the JSON has all.
PLACES: Final = 3
QUOTED: Final = 200
#: What is told of a claim in words of its own, or says what stands beside it.
_TOLD: Final = frozenset(
    {"groups", "estimate", "estimate_type", "lower_limit", "upper_limit", "confidence_percent", "p_value",
     "p_value_text", "analysis"}
)  # fmt: skip


def claim_view(claim: ClaimView) -> Iterator[RenderableType]:
    """A claim: who says so and how, and under that where."""
    sign = ("- ", "bold red") if claim.negated else ("+ ", "bold green")
    said = " · ".join([*result_words(claim.qualifiers), *_other_words(claim.qualifiers)])
    yield Text.assemble(sign, (study(claim), "bold"), f"  {said}" if said else "")
    yield from (indented(place, 4) for place in places(claim.evidence))


def study(claim: ClaimView) -> str:
    """Which publications say so, or else which document: ``NCT01367860``, ``PMID:31332201``."""
    named = [each.removeprefix("CLINICALTRIALS:") for each in claim.publications]
    return ", ".join(named) or claim.document


def places(evidence: Sequence[Evidence]) -> Iterator[Text]:
    """Where it stands: a field of the record with what is in it, or a sentence of the text."""
    for part in evidence[:PLACES]:
        yield _place(part)
    if len(evidence) > PLACES:
        yield Text(f"and {len(evidence) - PLACES} more", style="dim")


def indented(shown: RenderableType, columns: int) -> Padding:
    """So many columns to the right."""
    return Padding(shown, (0, 0, 0, columns), expand=False)


def result_words(said: Mapping[str, Scalar | list[str]]) -> Iterator[str]:
    """What comparing groups has given: ``A vs B``, ``Mean Difference -1.89 (95 % CI -4.05 to 0.27)``, ``p 0.05``."""
    groups = said.get("groups")
    if isinstance(groups, list) and groups:
        yield " vs ".join(groups)
    if (estimate := said.get("estimate")) is not None:
        yield f"{said.get('estimate_type') or 'estimate'} {estimate:g}{_interval(said)}"
    if p_value := said.get("p_value_text") or said.get("p_value"):
        yield f"p {p_value}"


def _interval(said: Mapping[str, Scalar | list[str]]) -> str:
    lower, upper, percent = (said.get(name) for name in ("lower_limit", "upper_limit", "confidence_percent"))
    if lower is None and upper is None:
        return ""
    of = f"{percent:g} % CI " if isinstance(percent, float | int) else "CI "
    limits = f"{_limit(lower)} to {_limit(upper)}"
    return f" ({of}{limits})"


def _limit(value: Scalar | list[str] | None) -> str:
    return "…" if value is None else f"{value:g}" if isinstance(value, float | int) else str(value)


def _other_words(said: Mapping[str, Scalar | list[str]]) -> Iterator[str]:
    for name, value in sorted(said.items()):
        if name not in _TOLD:
            yield f"{name.replace('_', ' ')} {', '.join(value) if isinstance(value, list) else value}"


def _place(part: Evidence) -> Text:
    if part.kind == "record":
        return Text(f"{part.pointer} = {_short(part.value)}", style="dim")
    return Text(f"“{_short(part.quote)}” ({part.section_id}, {part.span.start}-{part.span.end})", style="dim")


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= QUOTED else f"{flat[:QUOTED]}…"
