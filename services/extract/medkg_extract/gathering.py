"""Gathers a document's entities and claims: each once, with all the evidence that there is for it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medkg_contracts.ids import digest
from medkg_contracts.ir import Chunk
from medkg_contracts.knowledge import (
    AgentType,
    Attributes,
    Claim,
    Claims,
    Entities,
    Entity,
    Evidence,
    Extraction,
    KnowledgeLevel,
    Mention,
    Scalar,
    TextEvidence,
)

#: The prefix of things that no vocabulary has; they are known by their names.
LOCAL_PREFIX = "MEDKG"


def local_id(kind: str, *names: str) -> str:
    """The id of something that only its name tells from others: two spellings of it are two things."""
    said = (" ".join(name.split()).casefold() for name in names)
    return f"{LOCAL_PREFIX}:{kind}-{digest(kind, *said)[:16]}"


def node_of(document_id: str) -> str:
    """The id of a document's node, where nothing says by which id the world knows it."""
    return f"{LOCAL_PREFIX}:document-{digest(document_id)[:16]}"


@dataclass(frozen=True, slots=True)
class Voice:
    """Who says the claims that are gathered.

    Attributes:
        source: such as ``infores:clinicaltrials-gov``.
        agent: who made them of the source.
        publications: by which they are supported.
        confidence: how sure it is that they are said.
        model: what read them out of a text, as the extraction's digests name it; None where no model was asked.
    """

    source: str
    agent: AgentType
    publications: tuple[str, ...] = ()
    confidence: float = 1.0
    model: str | None = None


class Gathering:
    """What has been found in a document so far."""

    def __init__(self, document_id: str, document: Entity) -> None:
        self._document_id = document_id
        self._document = document
        self._entities: dict[str, Entity] = {document.id: document}
        self._claims: dict[str, Claim] = {}
        self._about: set[str] = set()
        self._mentions: list[Mention] = []
        self._dropped: Counter[str] = Counter()

    @property
    def document(self) -> str:
        """The id of the document's node."""
        return self._document.id

    @property
    def mentions(self) -> Sequence[Mention]:
        """What the text is found to name so far."""
        return self._mentions

    def have(self, entity: Entity) -> None:
        """Have this entity, unless there is a description of it."""
        self._entities.setdefault(entity.id, entity)

    def mention(self, mention: Mention) -> None:
        """Have this mention."""
        self._mentions.append(mention)

    def drop(self, reason: str, times: int = 1) -> None:
        """Count what was found and is left out."""
        self._dropped[reason] += times

    def entity(
        self, id_: str, category: str, name: str, xrefs: Iterable[str] = (), **attributes: Scalar | list[str]
    ) -> str:
        """Have this entity; the first description of it stays. Returns its id."""
        said: Attributes = {key: value for key, value in attributes.items() if value not in ("", [])}
        category = f"biolink:{category}"
        self.have(Entity(id=id_, category=category, name=name or id_, xrefs=tuple(xrefs), attributes=said))
        return id_

    def about(self, id_: str) -> None:
        """Have this entity among those that the document as a whole is about."""
        self._about.add(id_)

    def claim(
        self,
        voice: Voice,
        subject: str,
        predicate: str,
        object_: str,
        evidence: Iterable[Evidence],
        level: KnowledgeLevel = "knowledge_assertion",
        **qualifiers: Scalar | list[str],
    ) -> str:
        """Have this claim, with this evidence besides what it has already. Returns its id."""
        said: Attributes = {key: value for key, value in qualifiers.items() if value not in ("", [])}
        return self._have(
            Claim(
                document_id=self._document_id,
                subject=subject,
                predicate=f"biolink:{predicate}",
                object=object_,
                qualifiers=said,
                evidence=tuple(evidence),
                knowledge_source=voice.source,
                knowledge_level=level,
                agent_type=voice.agent,
                publications=voice.publications,
                confidence=voice.confidence,
                model=voice.model,
            )
        )

    def deny(self, claim_id: str) -> None:
        """Have the opposite of a claim in its place."""
        # A copy would have the claim's id as well.
        self._have(Claim.model_validate({**self._claims.pop(claim_id).model_dump(), "negated": True}))

    def _have(self, claim: Claim) -> str:
        if (before := self._claims.get(claim.id)) is not None:
            more = tuple(part for part in claim.evidence if part not in before.evidence)
            claim = before.model_copy(update={"evidence": (*before.evidence, *more)})
        self._claims[claim.id] = claim
        return claim.id

    def results(self, extraction: Extraction, chunks: Sequence[Chunk] = ()) -> tuple[Entities, Claims]:
        """All of it, in an order that does not depend on that in which it was found; sentences with their chunks."""
        others = (self._entities[id_] for id_ in sorted(self._entities) if id_ != self._document.id)
        entities = Entities(
            document_id=self._document_id,
            document=self._document,
            entities=tuple(others),
            about=tuple(sorted(self._about)),
            mentions=tuple(self._mentions),
            extraction=extraction,
            dropped={reason: times for reason, times in sorted(self._dropped.items()) if times},
        )
        claims = tuple(_located(self._claims[id_], chunks) for id_ in sorted(self._claims))
        return entities, Claims(document_id=self._document_id, claims=claims)


def _located(claim: Claim, chunks: Sequence[Chunk]) -> Claim:
    evidence = (_in_chunk(part, chunks) if isinstance(part, TextEvidence) else part for part in claim.evidence)
    return claim.model_copy(update={"evidence": tuple(evidence)})


def _in_chunk(part: TextEvidence, chunks: Sequence[Chunk]) -> TextEvidence:
    """The sentence with the first chunk that has all of it."""
    span = part.span
    holders = (each.id for each in chunks if each.span.start <= span.start and span.end <= each.span.end)
    return part.model_copy(update={"chunk_id": next(holders, None)})
