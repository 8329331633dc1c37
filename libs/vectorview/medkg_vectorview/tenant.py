"""A tenant's documents and vectors, and which version of each document is to be seen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple, Self

import numpy as np
from medkg_contracts.changelog import LiveModel, VectorPut
from numpy.typing import NDArray

from .changes import DocumentState, TenantBatch, VectorBatch, units
from .columns import Numbers, enlarged
from .cut import TenantCut
from .faiss_adapter import Matrix
from .generation import Build, Generation
from .key_table import Keys, digest_of, keys_of
from .names import Names
from .settings import Kind, Sizes
from .vector_rows import VectorRows

_NONE = -1


class Hit(NamedTuple):
    """A record that is near a query.

    Attributes:
        score: the cosine of the angle between its vector and the query.
    """

    record_id: str
    document_id: str
    version: str
    score: float


@dataclass(frozen=True, slots=True)
class GenerationState:
    """What there is of one model of a tenant.

    Attributes:
        model: the first 12 digits of the model's revision.
        kind: how it is searched now.
        vectors: how many there are.
        visible: how many of them are seen.
        nbytes: what all of it takes in memory, its index and the names of documents and versions included.
        raw_nbytes: what the vectors alone need.
        on_disk: the vectors lie in files, of which memory holds what is used.
    """

    tenant: str
    model: str
    kind: Kind
    vectors: int
    visible: int
    nbytes: int
    raw_nbytes: int
    on_disk: bool


class Tenant:
    """What a search node knows of a tenant. Changes come from one thread; any number may search meanwhile."""

    def __init__(self, name: str, sizes: Sizes) -> None:
        self.name = name
        self.live: LiveModel | None = None
        self._sizes = sizes
        self._lock = Lock()
        self._documents, self._versions = Names(), Names()
        self._visible: Numbers = np.zeros(0, np.int32)
        self._orders: NDArray[np.int64] = np.zeros(0, np.int64)
        self._generations: dict[str, Generation] = {}

    @classmethod
    def of(cls, cut: TenantCut, sizes: Sizes) -> Self:
        """The tenant as it was."""
        self = cls(cut.name, sizes)
        self.live = cut.live
        self._documents, self._versions = Names.of(cut.documents), Names.of(cut.versions)
        self._visible, self._orders = cut.visible, cut.orders
        self._generations = {each.model: Generation.of(each) for each in cut.generations}
        shown = np.flatnonzero(cut.visible >= 0).astype(np.int32)
        documents, versions = [shown], [cut.visible[shown]]
        for generation in self._generations.values():
            rows = generation.rows.live.rows(generation.rows.size)
            documents.append(generation.rows.documents[rows])
            versions.append(generation.rows.versions[rows])
        self._documents.held(np.concatenate(documents))
        self._versions.held(np.concatenate(versions))
        return self

    @contextmanager
    def cut(self) -> Iterator[TenantCut]:
        """The tenant as it is now; it stays so while the context lasts."""
        with ExitStack() as pins:
            with self._lock:
                for generation in self._generations.values():
                    pins.enter_context(generation.rows.pinned())
                size = self._documents.size
                cut = TenantCut(
                    self.name, self.live, self._documents.listed(), self._versions.listed(),
                    self._visible[:size].copy(), self._orders[:size].copy(),
                    # One whose vectors were all removed is made anew when it has some again; its blocks are not kept.
                    tuple(each.cut(model) for model, each in self._generations.items() if len(each.rows)),
                )  # fmt: skip
            yield cut

    def dimension(self, model: str) -> int | None:
        """Numbers of a vector of the model; None when there was none yet."""
        generation = self._generations.get(model)
        return None if generation is None else generation.rows.dimension

    def apply(self, batch: TenantBatch) -> None:
        """Take the changes over, all at once for whoever searches."""
        with self._lock:
            if batch.live and (self.live is None or batch.live.order >= self.live.order):
                self.live = batch.live
            for model, vectors in batch.vectors.items():
                self._store(model, vectors)
            self._show(batch.documents)

    def search(self, model: str, queries: Matrix, count: int, allowed: Keys | None) -> list[list[Hit]]:
        """The nearest visible records to each query; none for a model that there is no vector of."""
        generation = self._generations.get(model)
        if generation is None:
            return [[] for _ in queries]
        rows = generation.rows
        with ExitStack() as pins:
            with self._lock:
                pins.enter_context(rows.pinned())
                chosen = None if allowed is None else rows.table.find(allowed)
                scope = generation.scope(self._sizes, None if chosen is None else chosen[chosen >= 0])
            found = scope.search(queries, count)
            with self._lock:
                return [self._hits(rows, *each) for each in found]

    def visible_versions(self, document_ids: Sequence[str]) -> dict[str, str]:
        """The version of each of these documents that is to be seen; a document that has none is left out."""
        with self._lock:
            numbers = self._documents.find(document_ids)
            versions = np.where(numbers >= 0, self._visible[numbers], _NONE) if len(self._visible) else numbers * 0 - 1
            return {
                document_id: self._versions.text(version)
                for document_id, version in zip(document_ids, versions.tolist(), strict=True)
                if version >= 0
            }

    def visible_records(self, model: str) -> list[tuple[str, str, str]]:
        """Record, document and version of each vector of the model that is seen, by record id."""
        with self._lock:
            generation = self._generations.get(model)
            if generation is None:
                return []
            rows = generation.rows.visible.rows(generation.rows.size)
            hits = self._hits(generation.rows, rows, np.zeros(len(rows), np.float32))
            return sorted((hit.record_id, hit.document_id, hit.version) for hit in hits)

    def states(self) -> list[GenerationState]:
        """What there is of each model."""
        with self._lock:
            shared = self._documents.nbytes + self._versions.nbytes + self._visible.nbytes + self._orders.nbytes
            return [
                GenerationState(
                    self.name, model, each.kind, len(each.rows), each.rows.visible.count(), each.nbytes + shared,
                    4 * each.rows.dimension * len(each.rows), each.rows.on_disk,
                )
                for model, each in sorted(self._generations.items())
            ]  # fmt: skip

    def build_indexes(self, stopping: Callable[[], bool]) -> int:
        """Build the indexes that are wanted, while searches and changes go on; how many were built."""
        built = 0
        for generation in list(self._generations.values()):
            with ExitStack() as pins:
                with self._lock:
                    kind = generation.wanted(self._sizes)
                    if kind is None:
                        continue
                    pins.enter_context(generation.rows.pinned())
                    build = Build(generation, kind)
                index = build.run(stopping)
                if index is None:
                    return built
                with self._lock:
                    build.finish(generation, index)
                built += 1
            self._settle(generation, stopping)
        return built

    def _settle(self, generation: Generation, stopping: Callable[[], bool]) -> None:
        """With lists of codes the vectors only decide among candidates: they need not lie in memory."""
        while generation.kind == "ivfpq" and not stopping():
            with self._lock:
                if not generation.rows.move_to_disk():
                    return

    def _hits(self, rows: VectorRows, numbers: Numbers, scores: Matrix) -> list[Hit]:
        return [
            Hit(
                digest_of(rows.table.keys[row]).hex(), self._documents.text(int(rows.documents[row])),
                self._versions.text(int(rows.versions[row])), score,
            )
            for row, score in zip(numbers.tolist(), scores.tolist(), strict=True)
        ]  # fmt: skip

    def _store(self, model: str, batch: VectorBatch) -> None:
        generation = self._generations.get(model)
        if generation is None:
            if not batch.dimension:
                return  # only deletions of what never was there
            generation = self._generations[model] = Generation(batch.dimension)
        rows = generation.rows
        keys = keys_of(b"".join(batch.last))
        existing = rows.table.find(keys)
        put = np.fromiter((each is not None for each in batch.last.values()), np.bool_, len(batch.last))
        self._put(generation, [each for each in batch.last.values() if each], keys[put], existing[put])
        gone = existing[~put]
        rows.delete(gone[gone >= 0])

    def _put(self, generation: Generation, puts: Sequence[VectorPut], keys: Keys, existing: Numbers) -> None:
        rows = generation.rows
        documents = self._documents.number([put.key.document_id for put in puts])
        versions = self._versions.number([put.version for put in puts])
        vectors = units(np.frombuffer(b"".join(put.vector for put in puts), "<f4").reshape(-1, rows.dimension))
        # What is written again as it was stays where it is, or a repeat of a job would wear the index out.
        new = ~rows.are(existing, documents, versions, vectors)
        replaced = existing[new]
        rows.delete(replaced[replaced >= 0])
        documents, versions = documents[new], versions[new]
        stored = rows.put(keys[new], documents, versions, vectors[new])
        self._documents.hold(documents)
        self._versions.hold(versions)
        self._documents.release(stored.documents)
        self._versions.release(stored.versions)
        generation.covered.room(rows.size)
        generation.covered.remove(stored.rows)
        self._make_room()
        rows.visible.add(stored.rows[self._visible[documents] == versions])

    def _show(self, states: Mapping[str, DocumentState]) -> None:
        """Let those versions be seen."""
        shown = {name: state for name, state in states.items() if state.visible is not None}
        removed = self._documents.find([name for name, state in states.items() if state.visible is None])
        documents = self._documents.number(list(shown))
        versions = self._versions.number([state.visible.version for state in shown.values() if state.visible])
        orders = np.fromiter((state.visible.order for state in shown.values() if state.visible), np.int64, len(shown))
        self._make_room()
        anew = np.fromiter((state.anew for state in shown.values()), np.bool_, len(shown))
        newest = anew | (orders >= self._orders[documents])
        self._set(documents[newest], versions[newest], orders[newest])
        # What was named only to be compared is forgotten again.
        self._versions.hold(versions[~newest])
        self._versions.release(versions[~newest])
        removed = removed[removed >= 0]
        self._set(removed, np.full(len(removed), _NONE, np.int32), np.full(len(removed), _NONE, np.int64))

    def _set(self, documents: Numbers, versions: Numbers, orders: NDArray[np.int64]) -> None:
        if not len(documents):
            return
        before = self._visible[documents]
        self._documents.hold(documents[versions >= 0])
        self._versions.hold(versions[versions >= 0])
        self._visible[documents], self._orders[documents] = versions, orders
        changed = np.zeros(self._documents.size, np.bool_)
        changed[documents] = True
        for generation in self._generations.values():
            generation.rows.show(changed, self._visible)
        self._versions.release(before[before >= 0])
        self._documents.release(documents[before >= 0])

    def _make_room(self) -> None:
        self._visible = enlarged(self._visible, self._documents.size, _NONE)
        self._orders = enlarged(self._orders, self._documents.size, _NONE)
