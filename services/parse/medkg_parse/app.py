"""Wires the parse stage."""

from medkg_stagekit import Compute, StageService, run

from .settings import ParseSettings
from .stage import ParseStage

stage = StageService("parse", ParseStage, ParseSettings, compute=Compute())

if __name__ == "__main__":
    run(stage)
