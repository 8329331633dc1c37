"""Wires the ingest and expand stages."""

from medkg_stagekit import StageService

from .settings import IngestSettings
from .stage import ExpandStage, IngestStage

# The policy `bulk` may need three tries of ten minutes and the waits between them.
expand = StageService("expand", ExpandStage, IngestSettings, longest_batch_s=2400.0)
service = StageService(
    "ingest",
    IngestStage,
    IngestSettings,
    description="Fetches records from their sources, and finds the items of a batch",
    networks=("events", "stores", "sources"),
    environment={
        "MK_CTGOV_URL": "${MEDKG_CTGOV_URL:-http://replay:8765}",
        "MK_CTGOV_RATE": "${MEDKG_CTGOV_RATE:-200}",
    },
    beside=(expand,),
)

if __name__ == "__main__":
    service.run()
