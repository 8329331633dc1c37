"""The ingest and expand stages behave as every stage does, with a source over real HTTP."""

import pytest
from medkg_contracts.requests import JobRequest
from medkg_ingest import app
from medkg_stagekit.testing import Example, StageSuite


class ReplayedSource:
    """The source is a replay server on this machine."""

    @pytest.fixture(autouse=True)
    async def source(self, replay_url, monkeypatch):
        """The settings' environment names the replay server, which may be asked at any rate."""
        monkeypatch.setenv("MK_CTGOV_URL", await replay_url())
        monkeypatch.setenv("MK_CTGOV_RATE", "100000")


class TestIngestStageSuite(ReplayedSource, StageSuite):
    service = app.service
    stage_type = "IngestStage"
    examples = tuple(
        Example(request=JobRequest(source="ctgov", id=number)) for number in ("NCT00353704", "NCT05814159")
    )
    refused = Example(request=JobRequest(source="ctgov", id="PMC1"))


class TestExpandStageSuite(ReplayedSource, StageSuite):
    service = app.expand
    stage_type = "ExpandStage"
    examples = (
        Example(request=JobRequest(source="ctgov", query={"query.term": "diabetes"}, limit=7)),
        Example(request=JobRequest(source="ctgov", query={"query.term": "asthma"}, limit=3)),
    )
    refused = Example(request=JobRequest(source="ctgov", ids=["NCT00353704", "PMC1"]))
