"""What runs a stage: consumption, artifacts, events, health."""

from .compute import Compute
from .service import StageService, run

__all__ = ["Compute", "StageService", "run"]
