"""The dense vectors that a search node holds: a view of ``vectors.changelog.v1``, by tenant and model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Self

import numpy as np
from medkg_contracts.changelog import VectorChange
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.vectors import EmbeddingModel

from .changes import TenantBatch, id_of, model_of, tenant_of, units
from .cut import TenantCut
from .faiss_adapter import Matrix
from .key_table import keys_of
from .settings import Sizes
from .tenant import GenerationState, Hit, Tenant


class VectorView:
    """What the changes taken over so far leave to be seen.

    One thread applies changes; any number may search meanwhile, and each search sees all of a batch or nothing of it.
    Searches take as long as FAISS needs: call them from a worker thread, not from an event loop.
    """

    def __init__(self, sizes: Sizes | None = None) -> None:
        self._sizes = sizes or Sizes()
        self._tenants: dict[str, Tenant] = {}

    @classmethod
    def of(cls, tenants: Iterable[TenantCut], sizes: Sizes) -> Self:
        """The view as it was; the cut's arrays are its own from now on."""
        self = cls(sizes)
        self._tenants = {each.name: Tenant.of(each, sizes) for each in tenants}
        return self

    @contextmanager
    def cut(self) -> Iterator[tuple[TenantCut, ...]]:
        """The view as it is now; it stays so while the context lasts, and changes and searches go on."""
        with ExitStack() as cuts:
            yield tuple(cuts.enter_context(tenant.cut()) for tenant in self._tenants.values())

    def apply(self, changes: Iterable[VectorChange]) -> list[tuple[int, PoisonRecord]]:
        """Take changes over, in their order; what no search could use is left out.

        Returns:
            Which of the changes were left out, and why.
        """
        batches: dict[str, TenantBatch] = {}
        refused: list[tuple[int, PoisonRecord]] = []
        for number, change in enumerate(changes):
            name, model = tenant_of(change), model_of(change)
            tenant = self._tenants.get(name)
            dimension = tenant.dimension(model) if tenant and model else None
            try:
                batches.setdefault(name, TenantBatch()).take(change, dimension)
            except PoisonRecord as error:
                refused.append((number, error))
        for name, batch in batches.items():
            if name not in self._tenants:
                self._tenants[name] = Tenant(name, self._sizes)
            self._tenants[name].apply(batch)
        return refused

    def search(
        self, tenant: str, model: EmbeddingModel, queries: Matrix, count: int, allowed: Sequence[str] | None = None
    ) -> list[list[Hit]]:
        """The visible records nearest to each query, the nearest first; among equals the lower record id comes first.

        Args:
            tenant: whose records.
            model: that made the queries; `live` says which one a tenant's searches use.
            queries: a row for each; their lengths do not matter, since cosines are compared.
            count: how many are wanted for each query.
            allowed: only records with these ids; None for all.

        Returns:
            A list for each query; with nothing in it for a tenant or a model that there is no vector of.

        Raises:
            ValueError: the queries are not as the model makes them, or an id is not of 32 hexadecimal digits.
        """
        if queries.ndim != 2 or queries.shape[1] != model.dimension or not np.isfinite(queries).all():
            raise ValueError(f"queries of {model.ref} are rows of {model.dimension} finite numbers")
        known = self._tenants.get(tenant)
        if known is None:
            return [[] for _ in queries]
        keys = None if allowed is None else keys_of(b"".join(id_of(each) for each in allowed))
        return known.search(model.key, units(queries), count, keys)

    def live(self, tenant: str) -> EmbeddingModel | None:
        """The model that the tenant's searches use; None when nothing has said so yet."""
        known = self._tenants.get(tenant)
        return known.live.model if known and known.live else None

    def models(self, tenant: str) -> tuple[EmbeddingModel, ...]:
        """The models that the tenant has all vectors of: the live one, and the one beside it, if there is one."""
        known = self._tenants.get(tenant)
        if known is None or known.live is None:
            return ()
        return tuple(model for model in (known.live.model, known.live.beside) if model is not None)

    def visible_versions(self, tenant: str, document_ids: Sequence[str]) -> dict[str, str]:
        """The version of each of these documents that is to be seen; a document that has none is left out."""
        known = self._tenants.get(tenant)
        return known.visible_versions(document_ids) if known else {}

    def visible_records(self, tenant: str, model: EmbeddingModel) -> list[tuple[str, str, str]]:
        """Record, document and version of each vector that is seen, by record id."""
        known = self._tenants.get(tenant)
        return known.visible_records(model.key) if known else []

    def __str__(self) -> str:
        """How many vectors there are."""
        states = self.states()
        return f"{sum(each.visible for each in states)} of {sum(each.vectors for each in states)} vectors are seen"

    def states(self) -> list[GenerationState]:
        """What there is of each model of each tenant."""
        return [state for name in sorted(self._tenants) for state in self._tenants[name].states()]

    def build_indexes(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Build the indexes that sizes and changes ask for, while searches and changes go on.

        Args:
            stopping: asked now and then whether to give up.

        Returns:
            How many were built.
        """
        return sum(tenant.build_indexes(stopping) for tenant in list(self._tenants.values()))
