"""The artifact store's behaviour."""

from pathlib import Path

import pytest
from medkg_artifacts import ArtifactStore
from medkg_contracts.errors import (
    ArtifactCorrupt,
    ArtifactMissing,
    ArtifactStoreUnavailable,
    ConfigurationError,
)

LARGE = b'"' + b"x" * 1000 + b'"'


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore.from_url(f"file://{tmp_path}")


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


async def test_large_artifact_comes_back(store: ArtifactStore) -> None:
    """What is put can be got, byte for byte."""
    ref = await store.put("public", "document", LARGE)

    assert LARGE == await store.get("public", ref)


async def test_small_json_stands_inline(store: ArtifactStore) -> None:
    """A small JSON value travels in its reference and no file is written."""
    ref = await store.put("public", "receipt", b'{"chunks":3}')

    assert {"chunks": 3} == ref.value
    assert b'{"chunks":3}' == await store.get("public", ref)
    assert [] == files(store.root)


async def test_same_bytes_are_one_file(store: ArtifactStore) -> None:
    """Putting the same bytes twice gives the same reference and one file."""
    first = await store.put("public", "document", LARGE)
    second = await store.put("public", "document", LARGE)

    assert first == second
    assert 1 == len(files(store.root))


async def test_other_tenant_cannot_read(store: ArtifactStore) -> None:
    """A reference to one tenant's artifact is refused to another tenant."""
    ref = await store.put("alpha", "document", LARGE)

    with pytest.raises(ArtifactMissing, match="no artifact of tenant 'beta'"):
        await store.get("beta", ref)


async def test_changed_bytes_are_noticed(store: ArtifactStore) -> None:
    """An artifact whose file was changed is refused."""
    ref = await store.put("public", "document", LARGE)
    files(store.root)[0].write_bytes(b"other")

    with pytest.raises(ArtifactCorrupt):
        await store.get("public", ref)


async def test_missing_file_is_named(store: ArtifactStore) -> None:
    """A reference to a deleted file says that it does not exist."""
    ref = await store.put("public", "document", LARGE)
    files(store.root)[0].unlink()

    with pytest.raises(ArtifactMissing, match="does not exist"):
        await store.get("public", ref)


async def test_unwritable_folder_is_retryable(tmp_path: Path) -> None:
    """A store that cannot be written raises a retryable error."""
    (tmp_path / "file").write_text("")

    with pytest.raises(ArtifactStoreUnavailable) as caught:
        await ArtifactStore(tmp_path / "file").put("public", "document", LARGE)
    assert caught.value.retryable


async def test_run_is_recalled(store: ArtifactStore) -> None:
    """A remembered run gives back its artifacts; an unknown one gives None."""
    ref = await store.put("public", "document", LARGE)
    await store.remember("public", "ab" * 32, {"document": ref})

    assert {"document": ref} == await store.recall("public", "ab" * 32)
    assert None is await store.recall("public", "cd" * 32)
    assert None is await store.recall("other", "ab" * 32)


async def test_run_with_a_lost_artifact_is_forgotten(store: ArtifactStore) -> None:
    """A remembered run whose artifact is gone counts as never run."""
    ref = await store.put("public", "document", LARGE)
    await store.remember("public", "ab" * 32, {"document": ref})
    next(path for path in files(store.root) if path.name == ref.sha256).unlink()

    assert None is await store.recall("public", "ab" * 32)


def test_other_schemes_are_refused() -> None:
    """A URL of another kind is a configuration error that shows the right form."""
    with pytest.raises(ConfigurationError, match="file:///an/absolute/path"):
        ArtifactStore.from_url("ftp://somewhere/x")
