"""The index stage behaves as every stage does, with a real OpenSearch."""

import uuid

import pytest
from medkg_contracts.ir import Chunk, Document, Provenance, Section, Span
from medkg_index import app
from medkg_search import SearchServer, TenantNames
from medkg_stagekit.testing import Example, StageSuite


def example(number: str, text: str, *, chunk_of: str | None = None) -> Example:
    """A document with one chunk, which may say that it is another document's."""
    provenance = Provenance(source="ctgov", source_id=number, uri=f"https://x.test/{number}", sha256="0" * 64)
    section = Section(id="s1", type="body", title="Body", text=text, provenance=provenance)
    document = Document(id=f"ctgov:{number}", source="ctgov", title=number, sections=[section], provenance=provenance)
    chunk = Chunk(
        id=f"chunk-of-{number}",
        document_id=chunk_of or document.id,
        document_title=number,
        source="ctgov",
        section_id="s1",
        section_type="body",
        section_title="Body",
        ordinal=0,
        text=text,
        span=Span(start=0, end=len(text)),
        token_count=len(text.split()),
    )
    return Example({"document": document, "chunks": [chunk]})


@pytest.mark.integration
class TestIndexStageSuite(StageSuite):
    service = app.service
    stage_type = "IndexStage"
    examples = (example("NCT1", "Leukaemia in adults"), example("NCT2", "Asthma in children"))
    refused = example("NCT3", "Gout", chunk_of="ctgov:NCT1")

    @pytest.fixture(autouse=True)
    async def index(self, opensearch_url, monkeypatch):
        """A tenant of its own, whose indices go with the test."""
        monkeypatch.setenv("MK_OPENSEARCH_URL", opensearch_url)
        self.tenant = f"suite-{uuid.uuid4().hex[:12]}"
        yield
        server = SearchServer(opensearch_url)
        names = TenantNames(self.tenant)
        await server.call("DELETE", f"/{names.chunks_index},{names.documents_index}?ignore_unavailable=true")
        await server.close()
