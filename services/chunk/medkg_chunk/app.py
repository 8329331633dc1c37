"""Wires the chunk stage."""

from medkg_stagekit import Compute, StageService

from .settings import ChunkSettings
from .stage import ChunkStage

service = StageService(
    "chunk",
    ChunkStage,
    ChunkSettings,
    description="Cuts documents into chunks with exact spans",
    accelerated=ChunkSettings.needs_gpu_here,
    image="dense",
    environment={"MK_EMBED_URL": "${MK_EMBED_URL:-http://127.0.0.1:8000/v1}"},
    # A worker that loads a model for a topology's option does so as part of a job.
    compute=Compute(memory_mb=1024),
)

if __name__ == "__main__":
    service.run()
