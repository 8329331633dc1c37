"""Wires the embed stage."""

from medkg_stagekit import StageService

from .settings import EmbedSettings
from .stage import ChunkEmbedStage

# In the service's own process also where it computes (ADR 0035). The jobs of a batch end together: with 16 documents of
# a dozen chunks that is after some 7 s on two processors, and a GPU's requests are full.
service = StageService(
    "embed",
    ChunkEmbedStage,
    EmbedSettings,
    max_records=16,
    accelerated=EmbedSettings.needs_gpu_here,
    memory_mb=1536,
    image="dense",
    environment={
        "MK_ACCELERATOR": "${MK_ACCELERATOR:-cuda}",
        "MK_EMBED_URL": "${MK_EMBED_URL:-http://127.0.0.1:8000/v1}",
    },
    description="Gives chunks their dense vectors",
)

if __name__ == "__main__":
    service.run()
