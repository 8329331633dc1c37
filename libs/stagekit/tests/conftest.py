"""What the tests of stagekit share."""

from pathlib import Path

import pytest
from medkg_artifacts import ArtifactStore
from medkg_bus.memory import MemoryProducer

from .fakes import Watcher


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """An empty artifact store."""
    return ArtifactStore(tmp_path)


@pytest.fixture
def producer() -> MemoryProducer:
    """A producer that acknowledges everything."""
    return MemoryProducer()


@pytest.fixture
def watcher() -> Watcher:
    """Notes what an executor tells."""
    return Watcher()
