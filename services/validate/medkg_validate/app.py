"""Wires the validate stage."""

from medkg_stagekit import Compute, StageService

from .settings import ValidateSettings
from .stage import RuleValidateStage

service = StageService(
    "validate",
    RuleValidateStage,
    ValidateSettings,
    description="Checks documents against the rules of the intermediate representation",
    compute=Compute(),
)

if __name__ == "__main__":
    service.run()
