"""Fixtures for pytest: Kafka, Redis, OpenSearch and the whole product, as containers or as local processes.

The fixtures are there once the package is installed; what stands here is for annotations and for ``pytest.raises``.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .running import MedkgStack
    from .servers import Kafka, OpenSearch, Redis
    from .story import NotAsExpected

__all__ = ["Kafka", "MedkgStack", "NotAsExpected", "OpenSearch", "Redis"]

_HOMES = {"MedkgStack": "running", "NotAsExpected": "story"}


def __getattr__(name: str) -> object:
    """Import a name when it is used: pytest loads this package in every run, also where nothing of it is needed."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES.get(name, 'servers')}", __name__), name)
