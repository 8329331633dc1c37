"""Wires the extract stage."""

from medkg_stagekit import Compute, StageService

from .settings import ExtractSettings
from .stage import ExtractStage

service = StageService(
    "extract",
    ExtractStage,
    ExtractSettings,
    description="Finds what documents are about and what they claim",
    compute=Compute(),
)

if __name__ == "__main__":
    service.run()
