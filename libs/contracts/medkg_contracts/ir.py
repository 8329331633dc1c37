"""The intermediate representation: what a source's record becomes, and what is made of it.

Offsets are counted in Python characters (Unicode code points) and are half open: ``text[start:end]``.
"""

import operator
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from .model import Contract, Name, Sha256

SECTION_BREAK = "\n\n"

SectionType = Literal[
    "title", "abstract", "summary", "description", "identification", "status", "sponsor", "oversight",
    "conditions", "design", "arms", "outcomes", "eligibility", "contacts", "locations", "references",
    "data_sharing", "participant_flow", "baseline", "outcome_measures", "adverse_events", "results_info",
    "documents", "terms", "body", "other",
]  # fmt: skip


class Span(Contract):
    """A half-open range of characters, ``start <= end``."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> "Span":
        if self.end < self.start:
            raise ValueError(f"a span ends before it starts: {self.start}..{self.end}")
        return self


class Provenance(Contract):
    """Where something comes from.

    Attributes:
        source: the source's name, such as ``ctgov``.
        source_id: the record's id at the source, such as ``NCT05814159``.
        uri: the address the record was read from.
        sha256: digest of the raw payload's bytes.
        path: RFC 6901 JSON Pointer (or XPath) of the part inside the payload; "" is the whole.
        notes: what the reader of the record has to tell of it, such as a word that no vocabulary has; written only when
            there are some.
    """

    source: Name
    source_id: str
    uri: str
    sha256: Sha256
    path: str = ""
    notes: Annotated[list[str], Field(exclude_if=operator.not_)] = []


class RawPayload(Contract):
    """A source's answer as it came, before any reading of it."""

    source: Name
    source_id: str
    uri: str
    media_type: str
    body: str
    sha256: Sha256


class Table(Contract):
    """A table kept as a table.

    Attributes:
        caption: what it is about.
        columns: the column headings.
        rows: cells as text; each row has as many cells as there are columns.
        span: where the table's text form stands in its section's text.
    """

    caption: str
    columns: list[str]
    rows: list[list[str]]
    span: Span

    @model_validator(mode="after")
    def _rectangular(self) -> "Table":
        for number, row in enumerate(self.rows, 1):
            if len(row) != len(self.columns):
                raise ValueError(f"row {number} of {self.caption!r} has {len(row)} cells, not {len(self.columns)}")
        return self


class Section(Contract):
    """A typed part of a document. Its tables' text forms are part of `text`."""

    id: str
    type: SectionType
    title: str
    text: str
    tables: list[Table] = []
    provenance: Provenance


class Document(Contract):
    """A source's record in medkg's own form.

    Attributes:
        id: ``<source>:<source id>``, the same for every run.
        metadata: facts about the whole record that one filters by: status, phases, dates, counts.
    """

    id: str
    source: Name
    title: str
    language: str = "en"
    sections: list[Section]
    metadata: dict[str, JsonValue] = {}
    provenance: Provenance

    @cached_property
    def text(self) -> str:
        """All sections' texts, joined by `SECTION_BREAK`; what chunks' spans refer to."""
        return SECTION_BREAK.join(section.text for section in self.sections)

    def offset(self, section_id: str) -> int:
        """The position in `text` at which the section with this id starts.

        Raises:
            KeyError: no section has this id.
        """
        position = 0
        for section in self.sections:
            if section.id == section_id:
                return position
            position += len(section.text) + len(SECTION_BREAK)
        raise KeyError(section_id)


class Chunk(Contract):
    """A piece of one section: ``document.text[span.start:span.end] == text``.

    Attributes:
        id: deterministic: made of document, chunker version and span, so that a repeat overwrites.
        ordinal: position among the document's chunks, from 0.
        token_count: in the chunker's tokens, which are those of the model that will read the chunk if it is known.
        coherence: how alike its neighbouring sentences are at least, as the cosine of their embeddings; None where the
            chunker does not look at that.
    """

    id: str
    document_id: str
    document_title: str
    source: Name
    section_id: str
    section_type: SectionType
    section_title: str
    ordinal: int
    text: str
    span: Span
    token_count: int
    coherence: Annotated[float | None, Field(ge=-1.0001, le=1.0001, exclude_if=lambda value: value is None)] = None


class Violation(Contract):
    """A rule of the intermediate representation that a document breaks, by name."""

    rule: Name
    severity: Literal["error", "warning"]
    message: str
    section_id: str | None = None


class ValidationReport(Contract):
    """What the validator found."""

    document_id: str
    violations: list[Violation]


class IndexReceipt(Contract):
    """What the index stage wrote for one document.

    Attributes:
        index: the alias by which the chunks are searched.
        stale_removed: records of earlier versions of the document that were removed.
        order: of the version among those of the document that were made visible; the highest came last. The same for
            a repeat. 0 where nobody knows it.
    """

    document_id: str
    index: str
    chunks: int
    stale_removed: int
    order: Annotated[int, Field(ge=0)] = 0


class ExpansionReceipt(Contract):
    """How many job requests a batch became."""

    batch_id: str
    jobs: int
