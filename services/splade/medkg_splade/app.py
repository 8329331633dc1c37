"""Wires the SPLADE stage."""

from medkg_stagekit import StageService

from .settings import SpladeSettings
from .stage import SpladeStage

# In the service's own process also where it computes (ADR 0035).
service = StageService(
    "splade",
    SpladeStage,
    SpladeSettings,
    description="Weighs the terms that chunks are about, by a SPLADE model",
    memory_mb=1024,
    image="splade",
    environment={"MK_SPLADE_URL": "${MK_SPLADE_URL:-http://127.0.0.1:8001}"},
    max_records=SpladeSettings.jobs_at_once,
    accelerated=SpladeSettings.needs_gpu_here,
)

if __name__ == "__main__":
    service.run()
