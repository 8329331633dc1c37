"""This node's part of the view of the vectors."""

import asyncio
from collections.abc import Sequence

import numpy as np
from medkg_bus.clients import partition_of
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.vectors import EmbeddingModel
from medkg_vectorview import Follower, Shard

from .nearest import NearestAnswer, NearestQuestion, VisibleAnswer, VisibleQuestion


class ViewPart:
    """The documents whose partitions this node holds.

    Args:
        follower: reads the changelog; it begins a new view when the topic was made anew.
        shard: which partitions.
        partitions: how many the changelog has.
    """

    def __init__(self, follower: Follower, shard: Shard, partitions: int) -> None:
        self._follower = follower
        self._shard = shard
        self._partitions = partitions

    @property
    def name(self) -> str:
        """How messages call the node."""
        return f"this node ({self._shard})"

    def models(self, tenant: str) -> Sequence[EmbeddingModel]:
        """The models that a tenant has vectors of, the one that its searches use first; none before there are any."""
        return self._follower.view.models(tenant)

    def all_models(self) -> set[EmbeddingModel]:
        """The models that the searches of all tenants use, or may use next."""
        view = self._follower.view
        return {model for state in view.states() for model in view.models(state.tenant)}

    def unready(self) -> str | None:
        """Why the part cannot be asked yet; None once it has read what was written before the node started."""
        if self._follower.caught_up:
            return None
        if self._follower.problem is not None:
            return f"the view of the vectors does not get on: {self._follower.problem}"
        lag = self._follower.lag
        return f"the view of the vectors has {'an unknown number of' if lag is None else lag} records yet to read"

    async def nearest(self, question: NearestQuestion) -> NearestAnswer:
        """The nearest vectors of the part.

        Raises:
            InvalidRequest: the vector is not as its model makes them, or a record's id is none.
        """
        try:
            vector = np.frombuffer(question.vector, "<f4")[np.newaxis]
            (hits,) = await asyncio.to_thread(
                self._follower.view.search, question.tenant, question.model, vector, question.k, question.among
            )
        except ValueError as error:
            raise InvalidRequest(str(error)) from error
        return NearestAnswer(
            shard=self._shard.index,
            shards=self._shard.count,
            hits=[(hit.record_id, hit.score) for hit in hits],
            exhausted=len(hits) < question.k,
        )

    async def visible(self, question: VisibleQuestion) -> VisibleAnswer:
        """The visible versions of the part's documents."""
        own = [each for each in question.documents if self._holds(question.tenant, each)]
        versions = await asyncio.to_thread(self._follower.view.visible_versions, question.tenant, own)
        return VisibleAnswer(
            shard=self._shard.index,
            shards=self._shard.count,
            versions=versions,
            absent=[each for each in own if each not in versions],
        )

    def _holds(self, tenant: str, document: str) -> bool:
        """Whether the changelog has the document in a partition of this node."""
        return self._shard.holds(partition_of(f"{tenant}/{document}".encode(), self._partitions))
