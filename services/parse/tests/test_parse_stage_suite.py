"""The parse stage behaves as every stage does."""

import pytest
from medkg_parse import app
from medkg_stagekit.testing import ComputingStageSuite, Example


class TestParseStageSuite(ComputingStageSuite):
    service = app.service
    stage_type = "ParseStage"
    refused = Example({"payloads": []})

    @pytest.fixture(autouse=True)
    def real_studies(self, studies, payload_of):
        """Three real studies are the examples."""
        three = sorted(studies.items())[:3]
        self.examples = [Example({"payloads": [payload_of(body, number)]}) for number, body in three]
