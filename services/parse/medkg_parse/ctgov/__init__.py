"""Records of ClinicalTrials.gov, in all forms that they have had."""

from .study import SOURCE, read_study

__all__ = ["SOURCE", "read_study"]
