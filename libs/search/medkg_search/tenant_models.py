"""Of which models a tenant has dense vectors: of the one that its searches use, and at times of one beside it. Pure.

Each is a generation: the same chunks, by another model. The one beside is being filled, or is full, or is kept to go
back to. Searches change from one to the other; while that is done, vectors are taken of neither, so that there is a
moment at which nothing is written and both have all.
"""

from typing import Self

from medkg_contracts.changelog import LiveModel
from medkg_contracts.errors import ConfigurationError, NotFound
from medkg_contracts.vectors import EmbeddingModel


class TenantModels(LiveModel):
    """The record of a tenant's models.

    Attributes:
        switching: searches are about to use the model beside: vectors are not taken until they do.
        filled: nothing lacked vectors of the model beside when all documents were gone through: search nodes may know.
    """

    switching: bool = False
    filled: bool = False

    @property
    def announced(self) -> LiveModel:
        """What search nodes are told."""
        beside = self.beside if self.filled else None
        return LiveModel(tenant=self.tenant, model=self.model, order=self.order, beside=beside)

    def with_beside(self, model: EmbeddingModel, now_ms: int) -> Self:
        """With a generation of this model beside the live one.

        Raises:
            ConfigurationError: the searches use it already, or there is another one.
        """
        if model == self.model:
            raise ConfigurationError(
                f"the searches of tenant {self.tenant!r} use {model.ref} already",
                remedy="Name another model with --model.",
            )
        if self.beside not in (None, model):
            raise ConfigurationError(
                f"tenant {self.tenant!r} has a generation of {self.beside.ref if self.beside else ''} beside that of "
                f"{self.model.ref}; there is room for one",
                remedy=f"Remove it: {migrate_command(self.tenant, self.beside or model, '--discard')}. Or go on with "
                "it.",
            )
        return self if self.beside == model else self._changed(now_ms, beside=model, filled=False)

    def with_filled(self, model: EmbeddingModel, now_ms: int) -> Self:
        """With a generation of the model that search nodes may know.

        Raises:
            NotFound: there is no generation of the model.
        """
        self._check_beside(model)
        return self if self.filled else self._changed(now_ms, filled=True)

    def closed(self, model: EmbeddingModel, now_ms: int) -> Self:
        """Taking no vectors, so that those of the model beside can be completed.

        Raises:
            NotFound: there is no generation of the model.
        """
        self._check_beside(model)
        return self if self.switching else self._changed(now_ms, switching=True)

    def reopened(self, now_ms: int) -> Self:
        """Taking vectors of the live model again: nothing was switched."""
        return self._changed(now_ms, switching=False)

    def switched(self, now_ms: int) -> Self:
        """With the model beside as the live one, and the live one beside it."""
        return self._changed(now_ms, model=self.beside, beside=self.model, switching=False, filled=True)

    def without_beside(self, model: EmbeddingModel, now_ms: int) -> Self:
        """With the live model alone.

        Raises:
            NotFound: there is no generation of the model beside it.
        """
        self._check_beside(model)
        return self._changed(now_ms, beside=None, switching=False, filled=False)

    def _check_beside(self, model: EmbeddingModel) -> None:
        if model != self.beside:
            raise NotFound(
                f"tenant {self.tenant!r} has no generation of {model.ref} beside that of {self.model.ref}",
                remedy=f"Fill it first: {migrate_command(self.tenant, model)}.",
            )

    def _changed(self, now_ms: int, **fields: object) -> Self:
        return self.model_copy(update={**fields, "order": max(self.order + 1, now_ms)})


def migrate_command(tenant: str, model: EmbeddingModel, flag: str = "") -> str:
    """The command that migrates the tenant, for messages."""
    return f"`medkg index migrate --tenant {tenant} --model {model.name}{' ' if flag else ''}{flag}`"
