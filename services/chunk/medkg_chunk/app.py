"""Wires the chunk stage."""

from medkg_stagekit import Compute, StageService

from .settings import ChunkSettings
from .stage import ChunkStage

service = StageService(
    "chunk",
    ChunkStage,
    ChunkSettings,
    description="Cuts documents into chunks with exact spans",
    compute=Compute(),
)

if __name__ == "__main__":
    service.run()
