"""What a model answers, as it says it: nothing of it is believed yet."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from medkg_contracts.model import Contract
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

#: Of an outcome under the intervention, compared with the comparator; as in the data of Evidence Inference.
Direction = Literal["significantly increased", "significantly decreased", "no significant difference"]

#: What a model may call a thing, and the category that it is then of.
CATEGORIES: Final = {
    "disease": "biolink:DiseaseOrPhenotypicFeature",
    "chemical": "biolink:ChemicalEntity",
    "procedure": "biolink:Procedure",
    "gene": "biolink:Gene",
}

ModelT = TypeVar("ModelT", bound=BaseModel)


class SaidEffect(Contract):
    """Numbers of a result, each as the quote has it; "" where it has none."""

    measure: str
    estimate: str
    ci_lower: str
    ci_upper: str
    p_value: str


class SaidClaim(Contract):
    """A result that the model reads in a passage."""

    quote: str
    intervention: str
    comparator: str
    outcome: str
    direction: Direction
    effects: tuple[SaidEffect, ...]


class SaidEntity(Contract):
    """A thing that the model finds named in a passage."""

    name: str
    kind: Literal["disease", "chemical", "procedure", "gene"]


class SaidDirection(Contract):
    """What the model reads on a given comparison."""

    quote: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer as the server gives it.

    Attributes:
        content: what it says.
        is_cut: it was not at its end when it had as many tokens as it may have.
    """

    content: str
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What of a reply is of the wanted form.

    Attributes:
        malformed: how many elements are not.
    """

    claims: list[SaidClaim]
    entities: list[SaidEntity]
    malformed: Counter[str]


def said_in(reply: Reply) -> Said | None:
    """The claims and entities of a reply; of one that was cut, those before the cut. None if it is no such object."""
    answer = _object(reply)
    if answer is None or not isinstance(answer.get("claims"), list):
        return None
    claims = [_of(SaidClaim, element) for element in answer["claims"]]
    entities = [_of(SaidEntity, element) for element in _list(answer.get("entities"))]
    malformed = Counter(claim_malformed=claims.count(None), entity_malformed=entities.count(None))
    return Said([each for each in claims if each], [each for each in entities if each], malformed)


def direction_in(reply: Reply) -> SaidDirection | None:
    """The direction that a reply gives; None if it gives none."""
    return _of(SaidDirection, _object(reply))


def _object(reply: Reply) -> dict[str, Any] | None:
    try:
        answer = from_json(reply.content, allow_partial=reply.is_cut)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _of(model: type[ModelT], element: object) -> ModelT | None:
    try:
        return model.model_validate(element)
    except ValidationError:
        return None
