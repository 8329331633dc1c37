"""What of a model's answer a passage bears out: whatever does not stand there is dropped, and counted by its reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from medkg_contracts.ir import Chunk, Span
from medkg_contracts.knowledge import Mention, TextEvidence

from .answer import CATEGORIES, Direction, Said, SaidClaim, SaidEffect, SaidEntity
from .places import name_span, number_in, quote_span

#: What finds a mention that a model has read.
RECOGNISER = "llm"


@dataclass(frozen=True, slots=True)
class Effect:
    """The numbers of a result; what the text does not say is None.

    Attributes:
        measure: such as ``hazard ratio``; "" if the text does not name it.
        p_value_text: as the text has it, such as ``< 0.05``; "" if it has none.
    """

    measure: str
    estimate: float | None
    ci_lower: float | None
    ci_upper: float | None
    p_value: float | None
    p_value_text: str

    def __bool__(self) -> bool:
        """Whether there is any number."""
        return any(number is not None for number in (self.estimate, self.ci_lower, self.ci_upper, self.p_value))


@dataclass(frozen=True, slots=True)
class ReadClaim:
    """A result that stands in a passage, its names as the text has them.

    Attributes:
        comparator: "" if the text names none.
        direction: of the outcome under the intervention, compared with the comparator.
    """

    intervention: str
    comparator: str
    outcome: str
    direction: Direction
    effects: tuple[Effect, ...]
    evidence: TextEvidence


@dataclass(slots=True)
class Reading:
    """What has been read in passages.

    Attributes:
        dropped: what was not kept, by reason.
    """

    claims: list[ReadClaim] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, parts: Iterable["Reading"]) -> "Reading":
        """All of them, one after another."""
        whole = cls()
        for part in parts:
            whole.claims += part.claims
            whole.mentions += part.mentions
            whole.dropped += part.dropped
        return whole


def read(chunk: Chunk, said: Said) -> Reading:
    """What the chunk bears out of what a model says of it.

    A quote and an entity's name have to stand in the chunk's text, the names of a result there or in the document's
    title, and a number in its quote. A result without its quote, its intervention or its outcome is dropped; without
    its comparator or a number, it is kept without that.
    """
    reading = Reading(dropped=Counter(said.malformed))
    for claim in said.claims:
        if (kept := _claim(chunk, claim, reading.dropped)) is not None:
            reading.claims.append(kept)
    for entity in dict.fromkeys(said.entities):
        if (mention := _mention(chunk, entity)) is not None:
            reading.mentions.append(mention)
        else:
            reading.dropped["entity_not_in_text"] += 1
    return reading


def _claim(chunk: Chunk, said: SaidClaim, dropped: Counter[str]) -> ReadClaim | None:
    if (span := quote_span(said.quote, chunk.text)) is None:
        dropped["quote_not_in_text"] += 1
        return None
    intervention, outcome = _named(chunk, said.intervention), _named(chunk, said.outcome)
    if not intervention or not outcome:
        dropped["outcome_not_in_text" if intervention else "intervention_not_in_text"] += 1
        return None
    comparator = _named(chunk, said.comparator)
    if said.comparator and not comparator:
        dropped["comparator_not_in_text"] += 1
    evidence = evidence_at(chunk, span)
    effects = (_effect(effect, evidence.quote, dropped) for effect in said.effects)
    return ReadClaim(intervention, comparator, outcome, said.direction, tuple(filter(None, effects)), evidence)


def evidence_at(chunk: Chunk, span: Span) -> TextEvidence:
    """What stands in the chunk there, and where in the document that is."""
    return TextEvidence(
        section_id=chunk.section_id,
        chunk_id=chunk.id,
        span=_in_document(chunk, span),
        quote=chunk.text[span.start : span.end],
    )


def _named(chunk: Chunk, name: str) -> str:
    """The name as the chunk, or the document's title, has it; "" if neither has."""
    for text in (chunk.text, chunk.document_title):
        if (span := name_span(name, text)) is not None:
            return " ".join(text[span.start : span.end].split())
    return ""


def _effect(said: SaidEffect, quote: str, dropped: Counter[str]) -> Effect:
    spoken = (said.estimate, said.ci_lower, said.ci_upper, said.p_value)
    numbers = [number_in(each, quote) for each in spoken]
    dropped["number_not_in_quote"] += sum(
        number is None and bool(each.strip()) for each, number in zip(spoken, numbers, strict=True)
    )
    estimate, ci_lower, ci_upper, p_value = numbers
    measure = quote_span(said.measure, quote)
    return Effect(
        measure=quote[measure.start : measure.end] if measure else "",
        estimate=estimate,
        ci_lower=ci_lower,
        ci_upper=ci_upper,
        p_value=p_value,
        p_value_text="" if p_value is None else said.p_value.strip(),
    )


def _mention(chunk: Chunk, said: SaidEntity) -> Mention | None:
    if (span := name_span(said.name, chunk.text)) is None:
        return None
    return Mention(
        category=CATEGORIES[said.kind],
        text=chunk.text[span.start : span.end],
        span=_in_document(chunk, span),
        section_id=chunk.section_id,
        recogniser=RECOGNISER,
    )


def _in_document(chunk: Chunk, span: Span) -> Span:
    return Span(start=chunk.span.start + span.start, end=chunk.span.start + span.end)
