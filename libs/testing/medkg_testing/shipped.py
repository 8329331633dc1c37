"""The product's files that a run needs: a wheel has them in this package, a checkout in their places."""

from pathlib import Path
from typing import Final

_IN_WHEEL: Final = Path(__file__).parent / "shipped_files"
_CHECKOUT: Final = Path(__file__).parents[3]


def shipped(name: str) -> Path:
    """Where a file or folder is that has this path in the repository, such as ``topologies``."""
    return (_IN_WHEEL if _IN_WHEEL.is_dir() else _CHECKOUT) / name
