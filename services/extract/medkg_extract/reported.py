"""What a language model reads in a document's text: results of trials, as claims with their sentences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from medkg_claims import MODEL, Effect, ReadClaim, Reading
from medkg_claims.places import name_span
from medkg_contracts.knowledge import Mention, Scalar

from .gathering import Gathering, Voice, local_id
from .text import SOURCE

#: Biolink's words for the directions that are differences.
_DIFFERENCES: Final = {"significantly increased": "increased", "significantly decreased": "decreased"}


@dataclass(frozen=True, slots=True)
class _End:
    """What a claim is about.

    Attributes:
        id: a vocabulary's, if the whole name was recognised; else one of its own.
        parts: what was recognised within the name.
    """

    id: str
    parts: tuple[str, ...]


def reported(reading: Reading, gathering: Gathering) -> None:
    """Add what was read: that interventions affect outcomes, or, where there is no significant difference, do not.

    A name means what the recogniser says that it means, if it has recognised the whole of it: "pain" in "absence of
    pain" is another thing. Then the name is an entity of its own, which is tied to what was recognised within it.
    """
    _mentions(reading, gathering)
    meanings = {each.text.casefold(): each for each in gathering.mentions if each.entity is not None}
    for claim in reading.claims:
        if claim.intervention.casefold() == claim.outcome.casefold():
            gathering.drop("claim_about_itself", 1)
            continue
        subject = _end(gathering, "intervention", "Treatment", claim.intervention, meanings)
        object_ = _end(gathering, "outcome", "StudyVariable", claim.outcome, meanings)
        _claim(gathering, claim, subject, object_)
    for reason, times in reading.dropped.items():
        gathering.drop(reason, times)


def _claim(gathering: Gathering, claim: ReadClaim, subject: _End, object_: _End) -> None:
    """Have a claim for each of the result's effects, or one if it has none.

    Its level is that of a result that a registry reports: an association in a trial's data. That it was read out of a
    text is what the agent's type says.
    """
    voice = Voice(SOURCE, "text_mining_agent", (gathering.document,), model=MODEL)
    for end in (subject, object_):
        for part in end.parts:
            gathering.claim(voice, end.id, "related_to", part, [claim.evidence], "prediction", role="part_of_name")
    for effect in claim.effects or (None,):
        said = dict(_qualifiers(claim, effect))
        made = gathering.claim(
            voice, subject.id, "affects", object_.id, [claim.evidence], "statistical_association", **said
        )
        if claim.direction not in _DIFFERENCES:
            gathering.deny(made)


def _mentions(reading: Reading, gathering: Gathering) -> None:
    """Have the mentions that the model has read where nothing else was recognised."""
    taken = [each.span for each in gathering.mentions]
    for mention in reading.mentions:
        span = mention.span
        if not any(each.start < span.end and span.start < each.end for each in taken):
            taken.append(span)
            gathering.mention(mention)


def _end(gathering: Gathering, kind: str, category: str, name: str, meanings: Mapping[str, Mention]) -> _End:
    if (whole := meanings.get(name.casefold())) is not None and whole.entity is not None:
        return _End(whole.entity, ())
    id_ = gathering.entity(local_id(kind, name), category, name)
    within = {each.entity for text, each in meanings.items() if each.entity and name_span(text, name) is not None}
    return _End(id_, tuple(sorted(within)))


def _qualifiers(claim: ReadClaim, effect: Effect | None) -> Iterator[tuple[str, Scalar]]:
    """What else the claim says, by the names that registries' results have, too."""
    yield "direction", claim.direction
    yield "object_direction_qualifier", _DIFFERENCES.get(claim.direction, "")
    yield "original_subject", claim.intervention
    yield "original_object", claim.outcome
    yield "comparator", claim.comparator
    if effect is not None:
        yield "estimate_type", effect.measure
        yield "p_value_text", effect.p_value_text
        numbers = {
            "estimate": effect.estimate,
            "lower_limit": effect.ci_lower,
            "upper_limit": effect.ci_upper,
            "p_value": effect.p_value,
        }
        yield from ((name, value) for name, value in numbers.items() if value is not None)
