"""Each rule, kept and broken."""

import pytest
from medkg_contracts.ir import Document, Provenance, Section, Span, Table
from medkg_validate.rules import RULES, Rule

SHA = "a" * 64
BY_NAME = {rule.name: rule for rule in RULES}

TEXT = "Outcomes\nMeasure | Time frame\nPain at rest | 2 hours\n | 4 hours"
TABLE = Table(
    caption="Outcomes",
    columns=["Measure", "Time frame"],
    rows=[["Pain  at\nrest", "2 hours"], ["", "4 hours"]],
    span=Span(start=0, end=len(TEXT)),
)


def provenance(**changes) -> Provenance:
    facts = {
        "source": "ctgov",
        "source_id": "NCT00353704",
        "uri": "https://clinicaltrials.gov/api/v2/studies/NCT00353704",
        "sha256": SHA,
        "path": "",
    }
    return Provenance(**facts | changes)


def section(id_: str = "outcomes", **changes) -> Section:
    path = changes.pop("path", "/protocolSection/outcomesModule")
    facts = {"type": "outcomes", "title": "Outcomes", "text": TEXT, "tables": [TABLE]}
    facts["provenance"] = changes.pop("provenance", provenance(path=path))
    return Section(id=id_, **facts | changes)


def document(*sections: Section, **changes) -> Document:
    facts = {
        "id": "ctgov:NCT00353704",
        "source": "ctgov",
        "title": "Pregabalin",
        "sections": list(sections) or [section()],
        "metadata": {"start_date": "2005-11", "completion_date": "2010-06-01", "phases": ["PHASE4"], "enrollment": 50},
        "provenance": provenance(),
    }
    return Document(**facts | changes)


def table(**changes) -> Table:
    return TABLE.model_copy(update=changes)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_sound_document_keeps_every_rule(rule: Rule):
    """A document without faults breaks no rule."""
    assert [] == list(rule.violations(document()))


@pytest.mark.parametrize(
    ("name", "broken", "section_id"),
    [
        ("id-matches-provenance", document(id="ctgov:NCT00000001"), None),
        ("id-matches-provenance", document(source="openalex"), None),
        ("nct-id-format", document(provenance=provenance(source_id="NCT353704")), None),
        ("title-present", document(title=" \n"), None),
        ("has-text", document(section(text=" ", tables=[])), None),
        ("section-ids-unique", document(section(), section()), "outcomes"),
        ("section-ids-unique", document(section("")), ""),
        ("section-not-empty", document(section(), section("design", text="\n", tables=[])), "design"),
        ("section-title-present", document(section(title="")), "outcomes"),
        ("table-span-in-section", document(section(text=TEXT[:-1])), "outcomes"),
        ("table-span-in-section", document(section(tables=[table(span=Span(start=3, end=3))])), "outcomes"),
        ("table-spans-apart", document(section(tables=[TABLE, table(span=Span(start=5, end=9))])), "outcomes"),
        ("table-text-matches", document(section(text=TEXT.replace("2 hours", "3 hours"))), "outcomes"),
        ("table-text-matches", document(section(tables=[table(rows=TABLE.rows[::-1])])), "outcomes"),
        ("table-not-empty", document(section(tables=[table(rows=[])])), "outcomes"),
        ("provenance-path-valid", document(section(path="protocolSection")), "outcomes"),
        ("provenance-path-valid", document(section(path="/a~2b")), "outcomes"),
        ("provenance-path-valid", document(provenance=provenance(path="/a~")), None),
        ("provenance-digest", document(section(provenance=provenance(sha256="b" * 64))), "outcomes"),
        ("provenance-digest", document(section(provenance=provenance(source_id="NCT1"))), "outcomes"),
        ("provenance-uri", document(provenance=provenance(uri="clinicaltrials")), None),
        ("no-control-characters", document(section(text=TEXT + "\x00")), "outcomes"),
        ("no-control-characters", document(title="Pre\x1bgabalin"), None),
        ("no-replacement-characters", document(section(text=TEXT + "\ufffd")), "outcomes"),
        ("no-replacement-characters", document(section(title="It\x92s")), "outcomes"),
        ("dates-plausible", document(metadata={"start_date": "June 2009"}), None),
        ("dates-plausible", document(metadata={"last_update": "2009-02-30"}), None),
        ("dates-plausible", document(metadata={"last_update": 2009}), None),
        ("dates-plausible", document(metadata={"start_date": "0209-01"}), None),
        ("dates-plausible", document(metadata={"start_date": "2012-01", "completion_date": "2010-01-31"}), None),
        ("metadata-filterable", document(metadata={"sites": [{"country": "Norway"}]}), None),
        ("metadata-filterable", document(metadata={"site": {"country": "Norway"}}), None),
    ],
)
def test_a_broken_rule_is_named_with_its_section(name: str, broken: Document, section_id: str | None):
    """A rule finds what breaks it, and says in which section and in words."""
    (violation,) = BY_NAME[name].violations(broken)

    assert (name, BY_NAME[name].severity, section_id) == (violation.rule, violation.severity, violation.section_id)
    assert violation.message


@pytest.mark.parametrize(
    "kept",
    [
        document(metadata={}),
        document(metadata={"start_date": None, "completion_date": "2010"}),
        document(metadata={"start_date": "2010-06-15", "completion_date": "2010-06"}),
    ],
)
def test_dates_may_be_missing_or_coarse(kept: Document):
    """A missing date is no fault, and a month does not come before its own days."""
    assert [] == list(BY_NAME["dates-plausible"].violations(kept))


@pytest.mark.parametrize("path", ["", "/", "/a/b~0c~1d/0", "/clinical_study/eligibility"])
def test_pointers_may_have_escapes(path: str):
    """RFC 6901's escapes, the whole payload and absolute XPaths are paths."""
    assert [] == list(BY_NAME["provenance-path-valid"].violations(document(section(path=path))))


def test_line_ends_and_tabs_are_no_control_characters():
    """Text may have lines and tabs."""
    assert [] == list(BY_NAME["no-control-characters"].violations(document(section(text=TEXT + "\n\tmore"))))


def test_every_rule_has_a_name_of_its_own_and_a_text():
    """Rules are told apart by name, and each says what it is for."""
    assert len(RULES) == len(BY_NAME)
    assert all(rule.find.__doc__ for rule in RULES)
