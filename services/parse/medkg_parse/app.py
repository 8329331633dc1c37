"""Wires the parse stage."""

from medkg_stagekit import StageService, run

from .settings import ParseSettings
from .stage import CtgovParseStage

stage = StageService("parse", CtgovParseStage, ParseSettings)

if __name__ == "__main__":
    run(stage)
