"""Why a job is where it is."""

from .causes import Cause
from .cluster import Cluster
from .explainer import Explainer, explain

__all__ = ["Cause", "Cluster", "Explainer", "explain"]
