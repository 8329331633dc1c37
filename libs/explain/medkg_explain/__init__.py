"""Why a job is where it is."""

from .causes import Cause
from .explainer import Explainer, explain

__all__ = ["Cause", "Explainer", "explain"]
