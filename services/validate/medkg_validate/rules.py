"""The rules of the intermediate representation. Each looks at one thing and says what breaks it, and where."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

from medkg_contracts.ir import Document, Table, Violation
from pydantic import JsonValue

#: What a rule finds: a message, and the section that it is about.
Findings = Iterator[tuple[str, str | None]]

FIRST_YEAR, LAST_YEAR = 1900, 2100
#: How much of a wrong value a message quotes.
MAX_QUOTE = 60

_NCT_ID = re.compile(r"NCT\d{8}", re.ASCII)
_POINTER = re.compile(r"(/([^~]|~[01])*)?", re.DOTALL)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DAMAGED = re.compile(r"[\ufffd\x80-\x84\x86-\x9f]")
_DATES = ("start_date", "completion_date", "last_update")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its name, what breaking it means, and the function that looks for breaks.

    A document that breaks an ``error`` rule goes no further; a ``warning`` is only reported.
    """

    name: str
    severity: Literal["error", "warning"]
    find: Callable[[Document], Findings]

    def violations(self, document: Document) -> Iterator[Violation]:
        """The document's breaks of this rule."""
        for message, section_id in self.find(document):
            yield Violation(rule=self.name, severity=self.severity, message=message, section_id=section_id)


def id_matches_provenance(document: Document) -> Findings:
    """The id is ``<source>:<source id>`` of the provenance, so that every run names the document alike."""
    expected = f"{document.provenance.source}:{document.provenance.source_id}"
    if document.id != expected or document.source != document.provenance.source:
        yield f"the id is {document.id!r} and the source {document.source!r}; the provenance says {expected!r}", None


def nct_id_format(document: Document) -> Findings:
    """The id of a document from ClinicalTrials.gov is NCT and eight digits."""
    if document.source == "ctgov" and not _NCT_ID.fullmatch(document.provenance.source_id):
        yield f"{document.provenance.source_id!r} is not NCT and eight digits", None


def title_present(document: Document) -> Findings:
    """The document has a title."""
    if not document.title.strip():
        yield "the title is empty", None


def has_text(document: Document) -> Findings:
    """The document has text to be found by."""
    if not document.text.strip():
        yield f"no text in {len(document.sections)} sections", None


def section_ids_unique(document: Document) -> Findings:
    """A section's id names that section alone, and names it at all."""
    seen: set[str] = set()
    for number, section in enumerate(document.sections, 1):
        if not section.id.strip():
            yield f"section {number} has an empty id", section.id
        elif section.id in seen:
            yield f"section {number} has the id {section.id!r} of an earlier one", section.id
        seen.add(section.id)


def section_not_empty(document: Document) -> Findings:
    """A section has text; a parser leaves out what has none."""
    for section in document.sections:
        if not section.text.strip():
            yield "the text is empty", section.id


def section_title_present(document: Document) -> Findings:
    """A section has a title for people."""
    for section in document.sections:
        if not section.title.strip():
            yield "the title is empty", section.id


def table_span_in_section(document: Document) -> Findings:
    """A table's span is a part of its section's text, and not an empty one."""
    for section in document.sections:
        for number, table in enumerate(section.tables, 1):
            if table.span.end > len(section.text) or table.span.start == table.span.end:
                where = f"{table.span.start}..{table.span.end}"
                yield f"table {number} stands at {where} of {len(section.text)} characters", section.id


def table_spans_apart(document: Document) -> Findings:
    """Two tables do not share text."""
    for section in document.sections:
        spans = sorted((table.span.start, table.span.end) for table in section.tables)
        for (_, end), (start, _) in pairwise(spans):
            if start < end:
                yield f"a table starts at {start}, before the one in front of it ends at {end}", section.id


def table_text_matches(document: Document) -> Findings:
    """The text at a table's span says what its cells say, in their order."""
    for section in document.sections:
        for number, table in enumerate(section.tables, 1):
            missing = _missing_cell(table, section.text[table.span.start : table.span.end])
            if missing is not None:
                yield f"table {number} has the cell {_quote(missing)}, which its text has not in that place", section.id


def table_not_empty(document: Document) -> Findings:
    """A table has columns and rows."""
    for section in document.sections:
        for number, table in enumerate(section.tables, 1):
            if not table.columns or not table.rows:
                yield f"table {number} has {len(table.columns)} columns and {len(table.rows)} rows", section.id


def provenance_path_valid(document: Document) -> Findings:
    """A path is a JSON Pointer (RFC 6901) or an XPath from the root."""
    for section_id, path in [(None, document.provenance.path), *((s.id, s.provenance.path) for s in document.sections)]:
        if not _POINTER.fullmatch(path):
            yield f"the path {_quote(path)} is neither empty nor a JSON Pointer", section_id


def provenance_digest(document: Document) -> Findings:
    """All sections come from the payload that the document names: same record, same digest."""
    whole = document.provenance
    for section in document.sections:
        part = section.provenance
        if (part.source, part.source_id, part.sha256) != (whole.source, whole.source_id, whole.sha256):
            yield (
                f"it comes from {part.source}:{part.source_id} {part.sha256[:12]}, not {whole.sha256[:12]}",
                section.id,
            )


def provenance_uri(document: Document) -> Findings:
    """The provenance says at which address the record was read."""
    if not _URI.fullmatch(document.provenance.uri):
        yield f"{_quote(document.provenance.uri)} is not an address", None


def no_control_characters(document: Document) -> Findings:
    """No text has control characters; they mark bytes that were never text."""
    yield from _characters(document, _CONTROL, "a control character")


def no_replacement_characters(document: Document) -> Findings:
    """No text has the marks of a wrong decoding: U+FFFD and the C1 control characters."""
    yield from _characters(document, _DAMAGED, "the mark of a wrong decoding")


def dates_plausible(document: Document) -> Findings:
    """Dates are ISO dates, in this age, and a study does not end before it starts."""
    known = {name: document.metadata.get(name) for name in _DATES}
    for name, value in known.items():
        if value is not None and _earliest(value) is None:
            yield f"{name} is {_quote(value)}, not a date from {FIRST_YEAR} to {LAST_YEAR}", None
    start, end = known["start_date"], known["completion_date"]
    if isinstance(start, str) and isinstance(end, str) and _earliest(start) and _earliest(end):
        length = min(len(start), len(end))
        if start[:length] > end[:length]:
            yield f"start_date {start} is after completion_date {end}", None


def metadata_filterable(document: Document) -> Findings:
    """Metadata are plain values or lists of them: what an index can filter by."""
    for name, value in document.metadata.items():
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict | list) for v in value)):
            yield f"{_quote(name)} is neither a plain value nor a list of them", None


def _missing_cell(table: Table, text: str) -> str | None:
    """The first cell that the text does not have behind the cells before it."""
    text, position = " ".join(text.split()), 0
    for row in table.rows:
        for cell in row:
            words = " ".join(cell.split())
            found = text.find(words, position)
            if found < 0:
                return cell
            position = found + len(words)
    return None


def _characters(document: Document, wrong: re.Pattern[str], what: str) -> Findings:
    texts: list[tuple[str, str, str | None]] = [("the title", document.title, None)]
    for section in document.sections:
        texts += [("the title", section.title, section.id), ("the text", section.text, section.id)]
    for part, text, section_id in texts:
        if found := wrong.search(text):
            yield f"{part} has {what}, U+{ord(found.group()):04X}, at {found.start()}", section_id


def _earliest(value: JsonValue) -> date | None:
    """The first day that an ISO date, month or year can mean; None when it is none, or not of this age."""
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day = (int(part or 1) for part in found.groups())
    try:
        earliest = date(year, month, day)
    except ValueError:
        return None
    return earliest if FIRST_YEAR <= year <= LAST_YEAR else None


def _quote(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + "..."


RULES: tuple[Rule, ...] = (
    Rule("id-matches-provenance", "error", id_matches_provenance),
    Rule("nct-id-format", "error", nct_id_format),
    Rule("title-present", "error", title_present),
    Rule("has-text", "error", has_text),
    Rule("section-ids-unique", "error", section_ids_unique),
    Rule("section-not-empty", "error", section_not_empty),
    Rule("section-title-present", "warning", section_title_present),
    Rule("table-span-in-section", "error", table_span_in_section),
    Rule("table-spans-apart", "error", table_spans_apart),
    Rule("table-text-matches", "error", table_text_matches),
    Rule("table-not-empty", "warning", table_not_empty),
    Rule("provenance-path-valid", "error", provenance_path_valid),
    Rule("provenance-digest", "error", provenance_digest),
    Rule("provenance-uri", "warning", provenance_uri),
    Rule("no-control-characters", "error", no_control_characters),
    Rule("no-replacement-characters", "warning", no_replacement_characters),
    Rule("dates-plausible", "warning", dates_plausible),
    Rule("metadata-filterable", "error", metadata_filterable),
)
