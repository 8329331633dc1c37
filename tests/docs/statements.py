"""What kinds of statements the extractors make, with an example of each, from recorded studies."""

import asyncio
from collections.abc import Iterator
from typing import Final

from medkg_contracts.knowledge import Claim, Claims, Entities, Entity
from medkg_contracts.stages import StageContext
from medkg_extract.settings import ExtractSettings
from medkg_extract.stage import ExtractStage

from tests.recorded import bodies, given

#: Studies with results, adverse events and analyses among them.
_STUDIES: Final = 12
_LONGEST: Final = 60
_CONTEXT: Final = StageContext(
    tenant_id="default", doc_id="", job_id="j", correlation_id="c", pipeline="auto", digest="0" * 12
)


def statement_table() -> str:
    """A row for each kind of statement: what it ties, how, what it is there, and an example."""
    rows = ["| from | predicate | to | role | example |", "|---|---|---|---|---|"]
    examples: dict[tuple[str, str, str, str], str] = {}
    for subject, claim, object_ in asyncio.run(_said()):
        kind = (_name(subject.category), _name(claim.predicate), _name(object_.category), _role(claim))
        examples.setdefault(kind, f"{_short(subject.name)} → {_short(object_.name)}")
    for kind, example in sorted(examples.items()):
        rows.append("| " + " | ".join((*(f"`{part}`" if part else "" for part in kind), example)) + " |")
    return "\n".join(rows)


async def _said() -> list[tuple[Entity, Claim, Entity]]:
    stage = ExtractStage(ExtractSettings(extract_names="off"))
    found: list[tuple[Entity, Claim, Entity]] = []
    chosen = sorted(item for item in bodies().items() if b'"analyses"' in item[1] and b'"seriousEvents"' in item[1])
    for nct_id, body in chosen[:_STUDIES]:
        payload, document = given(body, nct_id)
        found += _ends(*await stage.execute(_CONTEXT, [payload], document, []))
    return found


def _ends(entities: Entities, said: Claims) -> Iterator[tuple[Entity, Claim, Entity]]:
    known = {each.id: each for each in (entities.document, *entities.entities)}
    for claim in said.claims:
        yield known[claim.subject], claim, known[claim.object]


def _role(claim: Claim) -> str:
    return str(claim.qualifiers.get("role", ""))


def _name(curie: str) -> str:
    return curie.removeprefix("biolink:")


def _short(name: str) -> str:
    plain = " ".join(name.replace("|", "/").split())
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1].rstrip()}…"
