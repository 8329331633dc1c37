"""The validate stage."""

import os
from pathlib import Path

import pytest
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Document, Provenance, Section
from medkg_contracts.stages import StageContext
from medkg_validate.settings import ValidateSettings
from medkg_validate.stage import RuleValidateStage

CONTEXT = StageContext("default", "ctgov:NCT00353704", "j-1", "c-1", "ctgov", "0" * 12)
PROVENANCE = Provenance(source="ctgov", source_id="NCT00353704", uri="https://clinicaltrials.gov", sha256="a" * 64)
FOLDER = Path(os.environ.get("MEDKG_DOCUMENTS", Path(__file__).parent / "data"))
DOCUMENTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.json"))}


def document(*texts: str, title: str = "Pregabalin", **metadata) -> Document:
    sections = [
        Section(id=f"s{number}", type="body", title="Body", text=text, provenance=PROVENANCE)
        for number, text in enumerate(texts)
    ]
    return Document(
        id="ctgov:NCT00353704",
        source="ctgov",
        title=title,
        sections=sections,
        metadata=metadata,
        provenance=PROVENANCE,
    )


async def run(of: Document):
    return await RuleValidateStage(ValidateSettings()).execute(CONTEXT, of)


async def test_a_sound_document_has_an_empty_report():
    """The report of a document without faults names it and nothing else."""
    report = await run(document("Some text"))

    assert ("ctgov:NCT00353704", []) == (report.document_id, report.violations)


async def test_warnings_are_reported_and_let_the_document_through():
    """A document that breaks only warning rules goes on, with the warnings in its report."""
    report = await run(document("Some t\ufffdxt", start_date="soon"))

    assert ["no-replacement-characters", "dates-plausible"] == [violation.rule for violation in report.violations]


async def test_an_error_names_all_broken_error_rules_and_their_places():
    """The refusal has the names of all error rules that are broken, and where; warnings are not among them."""
    with pytest.raises(InvalidDocument) as error:
        await run(document("\x00", " ", title="", start_date="soon"))

    message = str(error.value)

    assert message.startswith(
        "ctgov:NCT00353704 breaks title-present, section-not-empty, no-control-characters. title-present: "
    )
    assert "section-not-empty in section 's1': the text is empty" in message
    assert "dates-plausible" not in message


async def test_a_document_with_thousands_of_faults_has_a_short_message():
    """The names of all rules come first, so that they are there however long the details are."""
    with pytest.raises(InvalidDocument) as error:
        await run(document("\x00", *[" "] * 5000))

    assert str(error.value).startswith("ctgov:NCT00353704 breaks section-not-empty, no-control-characters. ")
    assert len(str(error.value)) < 2000


async def test_the_same_document_has_the_same_report():
    """Validating is deterministic, to the byte."""
    first, second = [(await run(document("t\ufffd", "\x92"))).model_dump_json() for _ in range(2)]

    assert first == second


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_real_documents_keep_all_rules(name: str):
    """Documents that the parse stage made of real studies break no rule at all."""
    report = await run(Document.model_validate_json(DOCUMENTS[name]))

    assert [] == report.violations
