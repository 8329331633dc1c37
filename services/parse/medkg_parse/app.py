"""Wires the parse stage."""

from medkg_stagekit import StageService, run

from .settings import ParseSettings
from .stage import ParseStage

stage = StageService("parse", ParseStage, ParseSettings)

if __name__ == "__main__":
    run(stage)
