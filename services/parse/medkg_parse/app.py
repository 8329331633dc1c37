"""Wires the parse stage."""

from medkg_stagekit import Compute, StageService

from .settings import ParseSettings
from .stage import ParseStage

service = StageService(
    "parse",
    ParseStage,
    ParseSettings,
    description="Reads raw payloads into documents",
    compute=Compute(),
)

if __name__ == "__main__":
    service.run()
