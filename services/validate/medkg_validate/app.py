"""Wires the validate stage."""

from medkg_stagekit import StageService, run

from .settings import ValidateSettings
from .stage import RuleValidateStage

stage = StageService("validate", RuleValidateStage, ValidateSettings)

if __name__ == "__main__":
    run(stage)
