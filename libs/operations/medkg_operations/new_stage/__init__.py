"""Makes a package for a new stage, which works and passes the suite of all stages from the first moment."""

from .package import StagePackage
from .writing import in_workspace, write

__all__ = ["StagePackage", "in_workspace", "write"]
