"""The dense vectors of a search node: a view of the changelog in Kafka."""

from .follower import Follower
from .settings import Shard, Sizes, ViewSettings
from .tenant import GenerationState, Hit
from .view import VectorView

__all__ = ["Follower", "GenerationState", "Hit", "Shard", "Sizes", "VectorView", "ViewSettings"]
