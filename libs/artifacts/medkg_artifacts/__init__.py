"""The artifact store: content-addressed claim checks."""

from .store import ArtifactStore

__all__ = ["ArtifactStore"]
