"""The manifest of a document: whoever writes, dies and comes back, what is to be seen is there, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_search.manifest import WRITER_MS, Manifest, earlier_manifest, record_id

NOW = 1_800_000_000_000
CONTENTS = ("a" * 64, "b" * 64, "c" * 64)


def ids(version: str) -> list[str]:
    return [record_id(chunk, version) for chunk in ("one", "two")]


@dataclass
class Stores:
    """An index with the manifest, which is written by compare-and-set, and the records."""

    manifest: Manifest = field(default_factory=lambda: Manifest(document_id="d"))
    writes: int = 0
    records: set[str] = field(default_factory=set)

    def write(self, manifest: Manifest, expected: int) -> bool:
        """Write it unless somebody has since; whether it was written."""
        if self.writes != expected:
            return False
        self.manifest, self.writes = manifest, self.writes + 1
        return True

    def visible(self) -> set[str]:
        """The records of the visible version."""
        version = self.manifest.visible
        return set() if version is None else set(version.records)

    def listed(self) -> set[str]:
        """The records of all versions."""
        return {record for version in self.manifest.versions for record in version.records}


def writer(stores: Stores, content: str) -> Iterator[None]:
    """Writes a version as the index stage does; may be ended at, or others may go on before, each `yield`."""
    while True:
        manifest, read = stores.manifest, stores.writes
        yield
        manifest, version = manifest.opened(content, ids, (), NOW)
        if not stores.write(manifest, read):
            continue
        opened = stores.writes
        yield
        for record in version.records:
            stores.records.add(record)
            yield
        while not stores.write(manifest.sealed(version.generation, NOW), opened):
            manifest, opened = stores.manifest, stores.writes
            if all(one.standing == "dead" for one in manifest.versions if one.generation == version.generation):
                break  # or nobody lists it any more
            yield
        else:
            yield
            yield from cleaning(stores)
            return


def cleaning(stores: Stores) -> Iterator[None]:
    """Deletes what is dead, and lists it no more."""
    manifest, read = stores.manifest, stores.writes
    yield
    for one in manifest.dead:
        for record in one.records:
            stores.records.discard(record)
            yield
    stores.write(manifest.cleaned(NOW), read)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["go on"] * 6 + ["die"])), max_size=60))
@settings(max_examples=300, deadline=None)
def test_writers_never_harm_what_is_to_be_seen_and_leave_nothing_else(steps: list[tuple[int, str]]) -> None:
    """However writers take turns and die, the visible version is whole; in the end there is nothing besides it."""
    stores = Stores()
    writers = [writer(stores, content) for content in CONTENTS]
    for number, what in steps:
        if what == "die":
            writers[number] = writer(stores, CONTENTS[number])
        next(writers[number], None)

        assert stores.visible() <= stores.records <= stores.listed()

    for one in writers:
        for _ in one:
            pass

    assert stores.visible() == stores.records == stores.listed()
    assert 1 == len(stores.manifest.versions)


@given(st.lists(st.sampled_from(CONTENTS), min_size=1, max_size=8), st.integers(0, 2 * NOW))
@settings(max_examples=100, deadline=None)
def test_each_version_that_becomes_visible_has_a_higher_order(contents: list[str], now: int) -> None:
    """A version counts for more than those before it, whatever the clock says, and for the same when it is repeated."""
    manifest, orders = Manifest(document_id="d"), [(0, "")]
    for content in contents:
        opened, version = manifest.opened(content, ids, (), now)
        manifest = opened.sealed(version.generation, now).cleaned(now)
        assert manifest.visible is not None
        if (manifest.visible.order, content) != orders[-1]:
            orders.append((manifest.visible.order, content))

    changes = [content for content, before in zip(contents, ["", *contents], strict=False) if content != before]
    assert changes == [content for _, content in orders[1:]]
    assert sorted({order for order, _ in orders}) == [order for order, _ in orders]


def test_content_that_comes_back_has_records_of_its_own() -> None:
    """What is dead may be deleted at any time: nobody writes under its ids again."""
    manifest, first = Manifest(document_id="d").opened(CONTENTS[0], ids, (), NOW)
    manifest = manifest.sealed(first.generation, NOW).removed()
    manifest, second = manifest.opened(CONTENTS[0], ids, (), NOW)

    assert not set(first.records) & set(second.records)


def test_an_unfinished_version_is_listed_until_its_writer_cannot_come_back() -> None:
    """Its writer may still write what it had in hand; an hour later it is taken for gone."""
    manifest, _ = Manifest(document_id="d").opened(CONTENTS[0], ids, (), NOW)
    manifest, second = manifest.opened(CONTENTS[1], ids, (), NOW)
    manifest = manifest.sealed(second.generation, NOW)

    assert [2, 1] == [len(manifest.cleaned(now).versions) for now in (NOW + WRITER_MS - 1, NOW + WRITER_MS)]


def test_a_version_that_is_given_up_is_dead_unless_it_is_the_visible_one() -> None:
    """Its records go; a repeat of the visible version that fails takes nothing away."""
    manifest, first = Manifest(document_id="d").opened(CONTENTS[0], ids, (), NOW)
    given_up = manifest.withdrawn(first.generation)
    sealed = manifest.sealed(first.generation, NOW)

    assert [first.records] == [version.records for version in given_up.dead]
    assert sealed == sealed.withdrawn(first.generation)


def test_an_earlier_releases_chunks_are_a_visible_version() -> None:
    """They are to be seen until a version is sealed, and then they are dead."""
    manifest = earlier_manifest("d", ["one", "two"])
    opened, version = manifest.opened(CONTENTS[0], ids, (), NOW)

    assert ("one", "two") == (manifest.visible.records if manifest.visible else ())
    assert [("one", "two")] == [dead.records for dead in opened.sealed(version.generation, NOW).dead]
    assert () == earlier_manifest("d", []).versions
