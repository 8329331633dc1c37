"""Wires the extract stage."""

from medkg_stagekit import Compute, StageService

from .settings import ExtractSettings
from .stage import ExtractStage

service = StageService(
    "extract",
    ExtractStage,
    ExtractSettings,
    description="Finds what documents are about and what they claim",
    image="extract",
    # The fork server has the recogniser beside the service's own process.
    memory_mb=1024,
    environment={"MK_EXTRACT_LLM_URL": "${MK_EXTRACT_LLM_URL:-}"},
    compute=Compute(shared="medkg_extract.shared"),
)

if __name__ == "__main__":
    service.run()
