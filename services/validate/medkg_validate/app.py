"""Wires the validate stage."""

from medkg_stagekit import Compute, StageService, run

from .settings import ValidateSettings
from .stage import RuleValidateStage

stage = StageService("validate", RuleValidateStage, ValidateSettings, compute=Compute())

if __name__ == "__main__":
    run(stage)
