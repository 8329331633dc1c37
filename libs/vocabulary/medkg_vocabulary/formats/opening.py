"""Files as publishers give them away: plain, or compressed by gzip or xz, which their first bytes say."""

import gzip
import lzma
from pathlib import Path
from typing import BinaryIO, Final, cast

_GZIP: Final = b"\x1f\x8b"
_XZ: Final = b"\xfd7zXZ\x00"


def opened(path: Path) -> BinaryIO:
    """A file's content, decompressed as it is read."""
    with path.open("rb") as raw:
        begins = raw.read(len(_XZ))
    if begins.startswith(_GZIP):
        return cast("BinaryIO", gzip.open(path, "rb"))
    if begins == _XZ:
        return cast("BinaryIO", lzma.open(path, "rb"))
    return path.open("rb")
