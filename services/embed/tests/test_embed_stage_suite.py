"""The embed stage behaves as every stage does, with the real bge-small."""

import pytest
from medkg_contracts.ir import Chunk, Span
from medkg_embed import app
from medkg_stagekit.testing import Example, StageSuite


def example(*texts: str) -> Example:
    """A document's chunks."""
    chunks = [
        Chunk(
            id=f"chunk-{number}",
            document_id="ctgov:NCT1",
            document_title="A trial",
            source="ctgov",
            section_id="s1",
            section_type="body",
            section_title="Body",
            ordinal=number,
            text=text,
            span=Span(start=0, end=len(text)),
            token_count=len(text.split()),
        )
        for number, text in enumerate(texts)
    ]
    return Example({"chunks": chunks})


class TestEmbedStageSuite(StageSuite):
    service = app.service
    stage_type = "EmbedStage"
    examples = (example("Leukaemia in adults", "They are treated."), example("Asthma in children"))
    refused = example("word " * 600)

    @pytest.fixture(autouse=True)
    def cpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The model of the catalogue, in this process."""
        monkeypatch.setenv("MK_ACCELERATOR", "cpu")
