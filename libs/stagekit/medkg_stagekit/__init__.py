"""What runs a stage: consumption, artifacts, events, policies."""

from .compute import Compute
from .service import StageService, installed_stages

__all__ = ["Compute", "StageService", "installed_stages"]
