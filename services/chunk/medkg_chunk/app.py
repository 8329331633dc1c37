"""Wires the chunk stage."""

from medkg_stagekit import Compute, StageService

from .settings import ChunkSettings
from .stage import SentenceChunkStage

service = StageService(
    "chunk",
    SentenceChunkStage,
    ChunkSettings,
    description="Cuts documents into chunks with exact spans",
    compute=Compute(),
)

if __name__ == "__main__":
    service.run()
