"""Wires the ingest and expand stages."""

from medkg_stagekit import StageService, run

from .settings import IngestSettings
from .stage import ExpandStage, IngestStage

ingest = StageService("ingest", IngestStage, IngestSettings)
# The policy `bulk` may need three tries of ten minutes and the waits between them.
expand = StageService("expand", ExpandStage, IngestSettings, longest_batch_s=2400.0)

if __name__ == "__main__":
    run(ingest, expand)
