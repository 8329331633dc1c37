"""What the tests of stagekit share."""

import sys
from pathlib import Path

import pytest
from medkg_artifacts import ArtifactStore
from medkg_bus.memory import MemoryProducer

from .fakes import Watcher

# Worker processes import the stages of these tests by name, which pytest's own way of importing does not let them do.
sys.path.append(str(Path(__file__).parents[3]))


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
