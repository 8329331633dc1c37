"""Wires the SPLADE stage."""

from medkg_stagekit import StageService

from .settings import SpladeSettings
from .stage import SpladeStage

# It computes, but not as a stage that computes: in vLLM, or in threads that leave Python alone, a window at a time,
# after which a timeout or a shutdown finds it. Worker processes would each load the model, and lose it again whenever
# a call took longer than a second.
service = StageService(
    "splade",
    SpladeStage,
    SpladeSettings,
    description="Weighs the terms that chunks are about, by a SPLADE model",
    memory_mb=1024,
    image="splade",
    environment={"MK_SPLADE_URL": "${MK_SPLADE_URL:-http://127.0.0.1:8001}"},
    max_records=16,
    accelerated=SpladeSettings.needs_gpu_here,
)

if __name__ == "__main__":
    service.run()
