"""Artifacts on a file system, named by their content and kept apart by tenant.

A write goes to a temporary file that is then renamed, so that a reader sees a whole artifact or none, whatever is
killed. The same bytes have the same name, so writing twice is writing once.
"""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import orjson
from medkg_contracts.artifacts import INLINE_LIMIT, ArtifactRef
from medkg_contracts.errors import (
    ArtifactCorrupt,
    ArtifactMissing,
    ArtifactStoreUnavailable,
    ConfigurationError,
)
from medkg_contracts.model import TenantId
from pydantic import TypeAdapter, ValidationError

_SCHEME = "artifact"

#: The tenant of what belongs to the deployment itself: plans, and dead letters that are too large for a record.
SYSTEM_TENANT = "system"

#: Up to so many bytes an artifact's digest is made at once; a larger one would hold up the event loop.
SMALL = 65_536

_TENANT = TypeAdapter(TenantId)
_REFS = TypeAdapter(dict[str, ArtifactRef])


class ArtifactStore:
    """A folder of artifacts that all services of a deployment share."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def from_url(cls, url: str) -> "ArtifactStore":
        """The store at ``file:///an/absolute/path``.

        Raises:
            ConfigurationError: the URL is of another kind.
        """
        parts = urlsplit(url)
        if parts.scheme != "file" or parts.netloc or not parts.path:
            raise ConfigurationError(f"MK_ARTIFACTS_URL {url!r} is not of the form file:///an/absolute/path")
        return cls(Path(unquote(parts.path)))

    async def put(
        self, tenant: str, name: str, body: bytes, media_type: str = "application/json", *, inline: bool = True
    ) -> ArtifactRef:
        """Store the bytes, or (unless `inline` is False) let a small JSON value stand in the reference itself.

        Raises:
            ArtifactStoreUnavailable: the folder cannot be written.
        """
        sha256 = _digest(body) if len(body) <= SMALL else await asyncio.to_thread(_digest, body)
        ref = {"name": name, "media_type": media_type, "sha256": sha256, "size": len(body)}
        if inline and len(body) <= INLINE_LIMIT and media_type == "application/json":
            return ArtifactRef.model_validate({**ref, "value": orjson.loads(body)})
        await asyncio.to_thread(self.write, self._path(tenant, sha256), body)
        return ArtifactRef.model_validate({**ref, "uri": f"{_SCHEME}://{tenant}/{sha256}"})

    async def get(self, tenant: str, ref: ArtifactRef) -> bytes:
        """The artifact's bytes, their digest verified.

        Raises:
            ArtifactMissing: it is not there, or belongs to another tenant.
            ArtifactCorrupt: its bytes have another digest.
            ArtifactStoreUnavailable: the folder cannot be read.
        """
        if ref.uri is None:
            return orjson.dumps(ref.value)
        parts = urlsplit(ref.uri)
        if parts.scheme != _SCHEME or parts.netloc != tenant or parts.path != f"/{ref.sha256}":
            raise ArtifactMissing(f"{ref.uri} is no artifact of tenant {tenant!r}")
        return await asyncio.to_thread(self._read, self._path(tenant, ref.sha256), ref.sha256)

    async def remember(self, tenant: str, key: str, artifacts: Mapping[str, ArtifactRef]) -> None:
        """Keep what a run with this key (64 hex digits) made, so that an identical run can be skipped."""
        await asyncio.to_thread(self.write, self._path(tenant, key, "runs"), _REFS.dump_json(dict(artifacts)))

    async def recall(self, tenant: str, key: str) -> dict[str, ArtifactRef] | None:
        """What the run with this key made, or None when there was none or an artifact of it is gone."""
        refs = await asyncio.to_thread(self._read_run, self._path(tenant, key, "runs"))
        if refs is None or any(ref.uri and not self._path(tenant, ref.sha256).exists() for ref in refs.values()):
            return None
        return refs

    def _path(self, tenant: str, sha256: str, kind: str = "artifacts") -> Path:
        try:
            tenant = _TENANT.validate_python(tenant)
        except ValidationError as error:
            raise ArtifactMissing(f"{tenant!r} is no tenant's name") from error
        return self.root / tenant / kind / sha256[:2] / sha256

    async def touch(self, tenant: str, ref: ArtifactRef) -> bool:
        """Whether the artifact is there; if it is, it counts as written now."""
        return await asyncio.to_thread(self._touch, self._path(tenant, ref.sha256))

    def discard(self, tenant: str, ref: ArtifactRef, before: float) -> None:
        """Delete the artifact, if it was neither written nor touched since this time (seconds since 1970-01-01 UTC)."""
        path = self._path(tenant, ref.sha256)
        try:
            if path.stat().st_mtime < before:
                path.unlink()
        except FileNotFoundError:
            return
        except OSError as error:
            raise ArtifactStoreUnavailable(f"cannot delete {path}: {error.strerror}") from error

    @staticmethod
    def write(path: Path, body: bytes) -> None:
        """Write a file as a whole or not at all; one that is there stays.

        Raises:
            ArtifactStoreUnavailable: it cannot be written.
        """
        if path.exists():
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(body)
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise ArtifactStoreUnavailable(f"cannot write {path}: {error.strerror}") from error

    @staticmethod
    def _touch(path: Path) -> bool:
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ArtifactStoreUnavailable(f"cannot touch {path}: {error.strerror}") from error
        return True

    @staticmethod
    def _read(path: Path, sha256: str) -> bytes:
        try:
            body = path.read_bytes()
        except FileNotFoundError as error:
            raise ArtifactMissing(f"{path} does not exist") from error
        except OSError as error:
            raise ArtifactStoreUnavailable(f"cannot read {path}: {error.strerror}") from error
        if _digest(body) != sha256:
            raise ArtifactCorrupt(f"{path} has other bytes than its name says")
        return body

    @staticmethod
    def _read_run(path: Path) -> dict[str, ArtifactRef] | None:
        try:
            return _REFS.validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ArtifactStoreUnavailable(f"cannot read {path}: {error.strerror}") from error
        except ValidationError:
            return None  # written by another version: running the stage again is always right


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
