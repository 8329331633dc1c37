"""The extract stage behaves as every stage does."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from medkg_extract import app
from medkg_stagekit.testing import ComputingStageSuite, Example


class TestExtractStageSuite(ComputingStageSuite):
    service = app.service
    stage_type = "ExtractStage"

    @pytest.fixture(autouse=True)
    def real_studies(self, studies: Mapping, vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Three real studies, read with a small dictionary, are the examples; what is no JSON is refused."""
        monkeypatch.setenv("MK_EXTRACT_NAMES", "dictionary")
        monkeypatch.setenv("MK_VOCABULARIES", str(vocabulary))
        three = [studies[nct_id] for nct_id in sorted(studies)[:3]]
        self.examples = [
            Example({"payloads": [payload], "document": document, "chunks": []}) for payload, document in three
        ]
        payload, document = three[0]
        self.refused = Example(
            {"payloads": [payload.model_copy(update={"body": "{"})], "document": document, "chunks": []}
        )
