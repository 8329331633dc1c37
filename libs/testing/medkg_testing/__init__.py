"""Fixtures for pytest: Kafka, Redis, OpenSearch and the whole product, as containers or as local processes.

The fixtures are there once the package is installed; what stands here is for annotations, for ``pytest.raises``, and
for a product of a test's own.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .local import LocalStack, local_stack
    from .running import MedkgStack
    from .servers import Kafka, OpenSearch, Redis
    from .watch import NotAsExpected, Watch

__all__ = ["Kafka", "LocalStack", "MedkgStack", "NotAsExpected", "OpenSearch", "Redis", "Watch", "local_stack"]

_HOMES = {
    "LocalStack": "local",
    "MedkgStack": "running",
    "NotAsExpected": "watch",
    "Watch": "watch",
    "local_stack": "local",
}


def __getattr__(name: str) -> object:
    """Import a name when it is used: pytest loads this package in every run, also where nothing of it is needed."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES.get(name, 'servers')}", __name__), name)
