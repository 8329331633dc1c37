"""What a document says, as a graph: entities, where its text names them, and claims with their evidence.

Categories and predicates are those of the Biolink model (https://biolink.github.io/biolink-model); ids are CURIEs with
its preferred prefixes, such as ``MESH:D003924``, ``CLINICALTRIALS:NCT02349698`` or ``PMID:31332201``.
"""

from collections import Counter
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from .ids import digest
from .ir import Span
from .model import Contract, Name, Sha256

Curie = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*:\S+$", max_length=300)]
Category = Annotated[str, StringConstraints(pattern=r"^biolink:[A-Z][A-Za-z]+$", max_length=100)]
Predicate = Annotated[str, StringConstraints(pattern=r"^biolink:[a-z][a-z_]+$", max_length=100)]

#: What an attribute or a qualifier may be.
Scalar = str | int | float | bool
Attributes = dict[Name, Scalar | list[str]]

#: Biolink's ``KnowledgeLevelEnum`` and ``AgentTypeEnum``.
KnowledgeLevel = Literal[
    "knowledge_assertion", "logical_entailment", "prediction", "statistical_association", "text_co_occurrence",
    "observation", "not_provided",
]  # fmt: skip
AgentType = Literal[
    "manual_agent", "automated_agent", "data_analysis_pipeline", "computational_model", "text_mining_agent",
    "image_processing_agent", "manual_validation_of_automated_agent", "not_provided",
]  # fmt: skip


class Entity(Contract):
    """A node of the graph: what claims are about, or what a text names.

    Attributes:
        name: the vocabulary's, or the record's, preferred one.
        xrefs: the same thing in other vocabularies.
        attributes: facts about it that are no relation to another entity, such as a trial's phase.
    """

    id: Curie
    category: Category
    name: str
    xrefs: tuple[Curie, ...] = ()
    attributes: Attributes = {}


class Mention(Contract):
    """A place where a document's text names something.

    Attributes:
        entity: what it names; None where no vocabulary has it.
        span: in `Document.text`.
        negated: the text says that it is not so ("no evidence of …").
        hedged: the text says that it may be so ("possible …").
        recogniser: what found it, such as ``dictionary`` or ``tagger``.
    """

    entity: Curie | None = None
    category: Category
    text: str
    span: Span
    section_id: str
    negated: bool = False
    hedged: bool = False
    recogniser: Name
    score: Annotated[float, Field(ge=0, le=1)] = 1.0


class TextEvidence(Contract):
    """A claim's sentence, or the part of it that says so: ``document.text[span.start:span.end] == quote``.

    Attributes:
        chunk_id: of the chunk that has all of it; None where none has.
    """

    kind: Literal["text"] = "text"
    section_id: str
    chunk_id: str | None = None
    span: Span
    quote: str


class RecordEvidence(Contract):
    """A field of the source's record.

    Attributes:
        payload: digest of the raw payload.
        pointer: RFC 6901 JSON Pointer of the field in it.
        value: what stands there, as text; at most 1,000 characters of it.
    """

    kind: Literal["record"] = "record"
    payload: Sha256
    pointer: str
    value: Annotated[str, StringConstraints(max_length=1000)]


Evidence = Annotated[TextEvidence | RecordEvidence, Field(discriminator="kind")]


class Claim(Contract):
    """A statement of a document about two entities. Another that contradicts it stands beside it.

    Attributes:
        qualifiers: what else belongs to the statement, such as a result's direction, estimate and p-value.
        evidence: where the document says so.
        knowledge_source: who says so first, such as ``infores:clinicaltrials-gov``; Biolink's
            ``primary_knowledge_source``.
        knowledge_level: Biolink's: whether it is asserted by the source, observed in data, or read out of text.
        agent_type: Biolink's: who made it of the source.
        publications: by which the document supports it.
        model: what read it out of the text, as `Extraction.digests` names it; None where no model was asked.
    """

    document_id: str
    subject: Curie
    predicate: Predicate
    object: Curie
    negated: bool = False
    qualifiers: Attributes = {}
    evidence: Annotated[tuple[Evidence, ...], Field(min_length=1)]
    knowledge_source: Curie
    knowledge_level: KnowledgeLevel
    agent_type: AgentType
    publications: tuple[Curie, ...] = ()
    model: Name | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0

    @cached_property
    def id(self) -> str:
        """Of what is said, by which document and of whom it has it: a repeat, or a later version, makes the same."""
        qualifiers = (f"{name}={value}" for name, value in sorted(self.qualifiers.items()))
        said = (
            self.document_id, self.subject, self.predicate, self.object, str(self.negated), self.knowledge_source
        )  # fmt: skip
        return digest(*said, *qualifiers)[:32]


class Extraction(Contract):
    """By what a document's facts were made.

    Attributes:
        version: of the extractors' rules; another one may find other facts.
        digests: of the models, vocabularies, prompts and schemas that took part, by name.
    """

    version: str
    digests: dict[Name, Sha256] = {}


class Entities(Contract):
    """What a document is about.

    Attributes:
        document: the document itself as a node: a trial, an article.
        entities: what its claims and mentions refer to, each once, in the order of their ids.
        about: which of them the document as a whole is about, by its source's word, such as the conditions and
            interventions of a trial; not the terms above them.
        dropped: what was found and is not here, counted by reason, such as spans that do not stand in the text.
    """

    document_id: str
    document: Entity
    entities: tuple[Entity, ...]
    about: tuple[Curie, ...] = ()
    mentions: tuple[Mention, ...]
    extraction: Extraction
    dropped: dict[Name, Annotated[int, Field(ge=1)]] = {}


class Claims(Contract):
    """What a document claims; what it says in several places is one claim with several pieces of evidence."""

    document_id: str
    claims: tuple[Claim, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        twice = [claim for claim, times in Counter(claim.id for claim in self.claims).items() if times > 1]
        if twice:
            raise ValueError(f"{len(twice)} claims stand there more than once")
        if strange := {claim.document_id for claim in self.claims} - {self.document_id}:
            raise ValueError(f"claims of {min(strange)} among those of {self.document_id}")
        return self


class GraphReceipt(Contract):
    """What the graph stage wrote for one document.

    Attributes:
        nodes: entities that the document supports.
        edges: claims.
        removed: claims of an earlier version of the document that it no longer makes.
        superseded: a later version of the document, or its removal, has come before: nothing was written.
    """

    document_id: str
    nodes: int
    edges: int
    removed: int
    superseded: bool = False
