"""Wires the ingest and expand stages."""

from medkg_stagekit import StageService, run

from .settings import IngestSettings
from .stage import CtgovExpandStage, CtgovIngestStage

ingest = StageService("ingest", CtgovIngestStage, IngestSettings)
expand = StageService("expand", CtgovExpandStage, IngestSettings)

if __name__ == "__main__":
    run(ingest, expand)
