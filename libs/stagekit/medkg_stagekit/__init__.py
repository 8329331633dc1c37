"""What runs a stage: consumption, artifacts, events, health."""

from .service import StageService, run

__all__ = ["StageService", "run"]
