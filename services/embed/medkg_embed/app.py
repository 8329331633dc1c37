"""Wires the embed stage."""

from medkg_stagekit import StageService

from .settings import EmbedSettings
from .stage import ChunkEmbedStage

# In the service's own process also where it computes (ADR 0035).
service = StageService(
    "embed",
    ChunkEmbedStage,
    EmbedSettings,
    max_records=EmbedSettings.jobs_at_once,
    accelerated=EmbedSettings.needs_gpu_here,
    memory_mb=1536,
    image="dense",
    environment={"MK_EMBED_URL": "${MK_EMBED_URL:-http://127.0.0.1:8000/v1}"},
    description="Gives chunks their dense vectors",
)

if __name__ == "__main__":
    service.run()
