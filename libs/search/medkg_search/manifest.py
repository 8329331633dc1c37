"""A document's manifest: which of its versions have records in the index, and which is the one to be seen. Pure.

A version is opened before anything of it is written, sealed when all of it is, and with that the others are dead: their
records are deleted and their vectors withdrawn. What is dead is never written again, so that it may be deleted at any
time, by anybody, as often as one likes: the same content that comes back is a new version with records of its own.

The manifest is written by compare-and-set. Whoever finds that somebody else has written it since goes on from that; its
version may be dead then, and it begins anew, as another version.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Final, Literal, Self

from medkg_contracts.ids import digest
from medkg_contracts.model import Contract
from pydantic import Field

#: So long a writer that was cut off may still come back and write what it had in hand, in milliseconds: a service whose
#: batch takes a quarter of it counts as stuck.
WRITER_MS: Final = 3_600_000

_CONTENT: Final = 16


class DocumentVersion(Contract):
    """A version of a document in the index.

    Attributes:
        generation: when it was opened; no two versions of a document share it.
        content: digest of the document's content, its chunks and their vectors.
        records: the ``_id`` of each of its records.
        models: of which there are vectors in the changelog: the first 12 digits of their revisions.
        standing: ``new`` until it is sealed; then ``visible``, until another one is; then ``dead``.
        order: of its becoming visible, 0 before that; of two versions the one with the higher came later.
        open_since: since when somebody may be writing it, in milliseconds; None where nobody is.
        filling: the models of which there may be only some vectors yet, since somebody adds or removes them, and since
            when, in milliseconds.
    """

    generation: Annotated[int, Field(ge=0)]
    content: str
    records: tuple[str, ...]
    models: tuple[str, ...] = ()
    standing: Literal["new", "visible", "dead"] = "new"
    order: Annotated[int, Field(ge=0)] = 0
    open_since: Annotated[int | None, Field(ge=0)] = None
    filling: dict[str, Annotated[int, Field(ge=0)]] = {}

    @property
    def name(self) -> str:
        """What its records and the changelog call it."""
        return version_name(self.generation, self.content)

    def lacks(self, model: str) -> bool:
        """Whether it has dense vectors, but not all of this model."""
        return bool(self.models) and (model not in self.models or model in self.filling)

    def written_since(self, time_ms: int) -> bool:
        """Whether somebody who began after this time may still write something of it."""
        return any(since > time_ms for since in (self.open_since or 0, *self.filling.values()))


def version_name(generation: int, content: str) -> str:
    """The name of a version that is opened under this number."""
    return f"{generation}-{content[:_CONTENT]}"


def record_id(chunk_id: str, version: str) -> str:
    """The ``_id`` of a chunk's record in this version of its document: no two versions share a record."""
    return digest(chunk_id, version)[:32]


class Manifest(Contract):
    """The versions of a document.

    Attributes:
        order: the last number that a version was opened or became visible with. It is no less than the time then, in
            milliseconds, so that a manifest that is made anew goes on behind one that was lost.
    """

    document_id: str
    order: Annotated[int, Field(ge=0)] = 0
    versions: tuple[DocumentVersion, ...] = ()

    @property
    def visible(self) -> DocumentVersion | None:
        """The version that is to be seen."""
        return next((version for version in self.versions if version.standing == "visible"), None)

    @property
    def dead(self) -> list[DocumentVersion]:
        """What is to be deleted, each time again until it is listed no more."""
        return [version for version in self.versions if version.standing == "dead"]

    @property
    def tracked(self) -> bool:
        """Whether the changelog has something of one of the versions."""
        return any(version.models for version in self.versions)

    def opened(
        self, content: str, records: Callable[[str], Iterable[str]], models: tuple[str, ...], now_ms: int
    ) -> tuple[Self, DocumentVersion]:
        """With the version of this content, which somebody is about to write: the one that there is, or a new one.

        Args:
            content: digest of what is written.
            records: the ids of the records of a version with this name.
            models: of the vectors that are written.
            now_ms: the time.
        """
        mine = next((one for one in self.versions if one.content == content and one.standing != "dead"), None)
        if mine is None:
            generation = max(self.order + 1, now_ms)
            names = tuple(dict.fromkeys(records(version_name(generation, content))))
            mine = DocumentVersion(generation=generation, content=content, records=names)
        mine = mine.model_copy(update={"open_since": now_ms, "models": tuple(dict.fromkeys((*mine.models, *models)))})
        # Whoever wrote the same content before is back, here: it writes under that number no more.
        others = [
            one.model_copy(update={"open_since": None}) if one.content == content else one
            for one in self.versions
            if one.generation != mine.generation
        ]
        order = max(self.order, mine.generation)
        return self._with((*others, mine), order), mine

    def sealed(self, generation: int, now_ms: int) -> Self:
        """With this version, all of which is written, as the visible one."""
        order = max(self.order + 1, now_ms)
        versions = tuple(
            one.model_copy(update={"standing": "visible", "order": one.order or order, "open_since": None})
            if one.generation == generation
            else one.model_copy(update={"standing": "dead"})
            for one in self.versions
        )
        visible = next(one for one in versions if one.generation == generation)
        return self._with(versions, max(self.order, visible.order))

    def withdrawn(self, generation: int) -> Self:
        """With this version dead, unless it is the visible one: its writer has given it up."""
        return self._with(
            tuple(
                one.model_copy(
                    update={"open_since": None, "standing": "visible" if one.standing == "visible" else "dead"}
                )
                if one.generation == generation
                else one
                for one in self.versions
            ),
            self.order,
        )

    def removed(self) -> Self:
        """With all versions dead: the document is to go."""
        return self._with(tuple(one.model_copy(update={"standing": "dead"}) for one in self.versions), self.order)

    def cleaned(self, now_ms: int) -> Self:
        """Without the dead versions, of which nothing is left, except those that somebody may still be writing."""
        return self._with(
            tuple(one for one in self.versions if one.standing != "dead" or one.written_since(now_ms - WRITER_MS)),
            self.order,
        )

    def version(self, generation: int) -> DocumentVersion | None:
        """The version that was opened under this number, while it is listed."""
        return next((one for one in self.versions if one.generation == generation), None)

    def filling(self, generation: int, model: str, now_ms: int) -> Self:
        """With this version as one to which somebody adds vectors of a model, or whose vectors of it he removes."""

        def begun(version: DocumentVersion) -> DocumentVersion:
            models = tuple(dict.fromkeys((*version.models, model)))
            return version.model_copy(update={"models": models, "filling": {**version.filling, model: now_ms}})

        return self._replaced(generation, begun)

    def filled(self, generation: int, model: str) -> Self:
        """With this version as one to which nobody adds vectors of the model any more; alive, it has them all."""
        return self._replaced(
            generation, lambda version: version.model_copy(update={"filling": _without(version.filling, model)})
        )

    def emptied(self, generation: int, model: str) -> Self:
        """With this version as one of which there are no vectors of the model any more."""

        def left(version: DocumentVersion) -> DocumentVersion:
            models = tuple(one for one in version.models if one != model)
            return version.model_copy(update={"models": models, "filling": _without(version.filling, model)})

        return self._replaced(generation, left)

    def overtaken(self, model: str) -> Self:
        """With the versions dead that somebody writes without vectors of the model: he finds that and begins anew."""
        return self._with(
            tuple(
                one.model_copy(update={"standing": "dead"}) if one.standing == "new" and one.lacks(model) else one
                for one in self.versions
            ),
            self.order,
        )

    def _replaced(self, generation: int, change: Callable[[DocumentVersion], DocumentVersion]) -> Self:
        return self._with(
            tuple(change(one) if one.generation == generation else one for one in self.versions), self.order
        )

    def _with(self, versions: tuple[DocumentVersion, ...], order: int) -> Self:
        return self.model_copy(update={"versions": versions, "order": order})


def _without(filling: Mapping[str, int], model: str) -> dict[str, int]:
    return {name: since for name, since in filling.items() if name != model}


def earlier_manifest(document_id: str, chunk_ids: Iterable[str]) -> Manifest:
    """A manifest of a release before 5: it lists the chunks, each a record under its own id, all seen at once."""
    records = tuple(chunk_ids)
    if not records:
        return Manifest(document_id=document_id)
    version = DocumentVersion(generation=0, content="", records=records, standing="visible")
    return Manifest(document_id=document_id, versions=(version,))
