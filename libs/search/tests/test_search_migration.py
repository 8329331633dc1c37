"""Another model's vectors are added while versions come and go: whoever dies, searches never lack any."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import ConfigurationError, NotFound
from medkg_contracts.vectors import EmbeddingModel
from medkg_search.manifest import WRITER_MS, DocumentVersion, Manifest, record_id
from medkg_search.tenant_models import TenantModels

NOW = 1_800_000_000_000
OLD, NEW = (EmbeddingModel(name=name, revision=name[0] * 64, dimension=2) for name in ("a-model", "b-model"))
OTHER = EmbeddingModel(name="c-model", revision="c" * 64, dimension=2)


def ids(version: str) -> list[str]:
    return [record_id(chunk, version) for chunk in ("one", "two")]


@dataclass
class Stores:
    """An index with one document's manifest, the changelog's vectors by record and model, and the tenant's models."""

    manifest: Manifest = field(default_factory=lambda: Manifest(document_id="d"))
    writes: int = 0
    vectors: set[tuple[str, str]] = field(default_factory=set)
    models: TenantModels = field(default_factory=lambda: TenantModels(tenant="t", model=OLD, beside=NEW, order=1))

    def write(self, manifest: Manifest, expected: int) -> bool:
        """Write it unless somebody has since; whether it was written."""
        if self.writes != expected:
            return False
        self.manifest, self.writes = manifest, self.writes + 1
        return True

    def searched(self) -> bool:
        """Whether searches find all of what is to be seen."""
        version = self.manifest.visible
        return version is None or all((one, self.models.model.key) in self.vectors for one in version.records)

    def listed(self) -> set[tuple[str, str]]:
        """The vectors that somebody will withdraw."""
        return {(one, model) for each in self.manifest.versions for model in each.models for one in each.records}


def settled(stores: Stores, change: Callable[[Manifest], Manifest]) -> Iterator[None]:
    """Change the manifest as it is by then, and withdraw what is dead; gives way before each step."""
    while True:
        manifest, read = stores.manifest, stores.writes
        yield
        for version in manifest.dead:
            stores.vectors -= {(one, model) for model in version.models for one in version.records}
            yield
        if stores.write(change(manifest).cleaned(NOW), read):
            return


def writer(stores: Stores, content: str) -> Iterator[None]:
    """Writes a version with vectors of the old model, as the index stage does."""
    while True:
        manifest, read = stores.manifest, stores.writes
        yield
        manifest, version = manifest.opened(content, ids, (OLD.key,), NOW)
        if not stores.write(manifest, read):
            continue
        yield
        if stores.models.switching or stores.models.model != OLD:
            yield from settled(stores, lambda found, it=version: found.withdrawn(it.generation))
            return
        for record in version.records:
            yield
            stores.vectors.add((record, OLD.key))
        while (listed := stores.manifest.version(version.generation)) is not None and listed.standing != "dead":
            manifest, read = stores.manifest.sealed(version.generation, NOW), stores.writes
            yield
            if stores.write(manifest, read):
                yield from settled(stores, lambda found: found)
                return


def lacking(stores: Stores) -> DocumentVersion | None:
    version = stores.manifest.visible
    return version if version is not None and version.lacks(NEW.key) else None


def filler(stores: Stores) -> Iterator[None]:
    """Fills what is to be seen, and what comes meanwhile."""
    while (version := lacking(stores)) is not None:
        manifest, read, generation = stores.manifest, stores.writes, version.generation
        yield
        if not stores.write(manifest.filling(generation, NEW.key, NOW), read):
            continue
        for record in version.records:
            yield
            stores.vectors.add((record, NEW.key))
        yield from settled(stores, lambda found, it=generation: found.filled(it, NEW.key))
        yield
        if stores.manifest.version(generation) is None:
            stores.vectors -= {(one, NEW.key) for one in version.records}


def switcher(stores: Stores) -> Iterator[None]:
    """Fills, and lets searches use the new model once nothing lacks its vectors."""
    if stores.models.model == NEW:
        return
    yield from filler(stores)
    stores.models = stores.models.closed(NEW, NOW)
    while True:
        yield
        manifest, read = stores.manifest, stores.writes
        yield
        if manifest.overtaken(NEW.key) != manifest:
            stores.write(manifest.overtaken(NEW.key), read)
        elif manifest.visible is not None and manifest.visible.lacks(NEW.key):
            yield from filler(stores)
        else:
            stores.models = stores.models.switched(NOW)
            return


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["go on"] * 8 + ["die"])), max_size=120))
@settings(deadline=None)
def test_searches_find_all_by_whichever_model_they_use(steps: list[tuple[int, str]]) -> None:
    """However writers and the migration take turns and die, nothing visible lacks a vector, and none is left over."""
    stores = Stores()
    makers: list[Callable[[], Iterator[None]]] = [
        lambda: writer(stores, "1" * 64), lambda: writer(stores, "2" * 64), lambda: switcher(stores),
    ]  # fmt: skip
    running = [make() for make in makers]
    for number, what in steps:
        if what == "die":
            running[number] = makers[number]()
        next(running[number], None)

        assert stores.searched()
        assert stores.vectors <= stores.listed()

    for one in (*running, switcher(stores)):
        for _ in one:
            assert stores.searched()

    assert NEW == stores.models.model
    assert stores.searched()


def test_marks_of_who_adds_vectors_keep_a_dead_version_listed() -> None:
    """For an hour, since it may still write what it has in hand; or until it has come back."""
    manifest, version = Manifest(document_id="d").opened("1" * 64, ids, (OLD.key,), NOW)
    generation = version.generation
    manifest = manifest.sealed(generation, NOW).filling(generation, NEW.key, NOW).removed()

    assert [generation] == [one.generation for one in manifest.cleaned(NOW).versions]
    assert [] == list(manifest.cleaned(NOW + WRITER_MS).versions)
    assert [] == list(manifest.filled(generation, NEW.key).cleaned(NOW).versions)


def test_a_version_lacks_a_model_until_all_its_vectors_are_there() -> None:
    """Also while they are removed; one without dense vectors lacks none."""
    manifest, version = Manifest(document_id="d").opened("1" * 64, ids, (OLD.key,), NOW)
    _, bare = Manifest(document_id="d").opened("2" * 64, ids, (), NOW)
    generation = version.generation
    stages = [manifest]
    stages.append(stages[-1].filling(generation, NEW.key, NOW))
    stages.append(stages[-1].filled(generation, NEW.key))
    stages.append(stages[-1].filling(generation, NEW.key, NOW))
    stages.append(stages[-1].emptied(generation, NEW.key))

    found = [each.version(generation) for each in stages]
    assert [True, True, False, True, True] == [each.lacks(NEW.key) for each in found if each is not None]
    assert manifest == stages[-1]
    assert not bare.lacks(NEW.key)


def test_models_go_forth_and_back() -> None:
    """Each change has a higher order; what is beside is searched next, and what was searched is beside it."""
    alone = TenantModels(tenant="t", model=OLD, order=7)
    two = alone.with_beside(NEW, 5)
    there = two.closed(NEW, 5).switched(5)
    back = there.closed(OLD, 5).switched(5)

    assert (OLD, NEW, NEW, OLD) == (two.model, two.beside, there.model, there.beside)
    assert (OLD, NEW, False) == (back.model, back.beside, back.switching)
    assert [7, 8, 10, 12] == [each.order for each in (alone, two, there, back)]
    assert two == two.with_beside(NEW, 99)
    assert [None, NEW, OLD] == [each.announced.beside for each in (two, two.with_filled(NEW, 5), there)]
    assert (OLD, None) == (back.without_beside(NEW, 5).model, back.without_beside(NEW, 5).beside)


def test_there_is_one_generation_beside_the_live_one() -> None:
    """A third is refused with the command that makes room; so is what is live, and what there is not."""
    two = TenantModels(tenant="t", model=OLD, beside=NEW, order=1)
    with pytest.raises(ConfigurationError, match="there is room for one") as refused:
        two.with_beside(OTHER, 5)

    assert "`medkg index migrate --tenant t --model b-model --discard`" in refused.value.info.remedy
    with pytest.raises(ConfigurationError, match="use a-model@aaaaaaaaaaaa already"):
        two.with_beside(OLD, 5)
    with pytest.raises(NotFound, match="no generation of c-model"):
        two.closed(OTHER, 5)
    with pytest.raises(NotFound, match="no generation of a-model"):
        two.without_beside(OLD, 5)
