"""The parse stage."""

import pytest
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.stages import StageContext
from medkg_parse.settings import ParseSettings
from medkg_parse.stage import ParseStage

CONTEXT = StageContext("default", "ctgov:NCT00353704", "j-1", "c-1", "ctgov", "0" * 12)


async def test_one_payload_becomes_a_document(studies, payload_of):
    """The stage reads the job's payload."""
    document = await ParseStage(ParseSettings()).execute(CONTEXT, [payload_of(studies["NCT00353704"])])

    assert "ctgov:NCT00353704" == document.id


@pytest.mark.parametrize("count", [0, 2])
async def test_another_number_of_payloads_is_refused(studies, payload_of, count):
    """A record has exactly one payload."""
    payloads = [payload_of(studies["NCT00353704"])] * count

    with pytest.raises(InvalidDocument, match=f"has {count} payloads"):
        await ParseStage(ParseSettings()).execute(CONTEXT, payloads)


async def test_a_source_without_a_reader_is_refused(payload_of):
    """A payload of a source that nobody reads is refused by its name, and the known ones are named."""
    with pytest.raises(InvalidDocument, match="of the source 'pubmed'; known are beir, ctgov, openalex"):
        await ParseStage(ParseSettings()).execute(CONTEXT, [payload_of("{}", source="pubmed")])
