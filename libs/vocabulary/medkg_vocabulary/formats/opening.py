"""Files as publishers give them away: plain, or compressed by gzip or xz, which their first bytes say."""

import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import BinaryIO, Final, cast

from medkg_contracts.errors import InvalidInput

#: Bytes of a source, decompressed: MeSH's largest file has less than one GiB.
LARGEST: Final = 8 * 2**30
#: Bytes of a source that has to be held as a whole.
LARGEST_WHOLE: Final = 2**30
#: Bytes of a line.
LONGEST_LINE: Final = 16 * 2**20
_GZIP: Final = b"\x1f\x8b"
_XZ: Final = b"\xfd7zXZ\x00"
_BUFFER: Final = 2**18


@contextmanager
def opened(path: Path, largest: int = LARGEST) -> Iterator[BinaryIO]:
    """A file's content, decompressed as it is read, as long as the context lasts.

    Raises:
        InvalidInput: there is no such file, it is damaged, or it has more than so many bytes.
    """
    try:
        with _decompressed(path) as content, _Limited(content, path.name, largest) as limited:
            yield cast("BinaryIO", BufferedReader(limited, _BUFFER))
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(f"{path.name} is damaged: {error}", remedy="Fetch it again.") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}", remedy="Name another file.") from error


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text in UTF-8, without their ends, and their numbers from 1.

    Raises:
        InvalidInput: as of `opened`; or a line is no UTF-8, or is longer than any can be.
    """
    with opened(path) as content:
        number = 0
        while line := content.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise InvalidInput(f"{path.name}:{number} is longer than {LONGEST_LINE:,} bytes")
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InvalidInput(
                    f"{path.name}:{number} is no UTF-8: {error.reason} at byte {error.start}",
                    remedy="Convert the file, for instance by `iconv --to-code UTF-8`.",
                ) from error
            yield number, text.rstrip("\r\n")


def _decompressed(path: Path) -> BinaryIO:
    with path.open("rb") as raw:
        begins = raw.read(len(_XZ))
    if begins.startswith(_GZIP):
        return cast("BinaryIO", gzip.open(path, "rb"))
    if begins == _XZ:
        return cast("BinaryIO", lzma.open(path, "rb"))
    return path.open("rb")


class _Limited(RawIOBase):
    """What ends with an error where a few bytes would be decompressed to more than anybody has."""

    def __init__(self, content: BinaryIO, name: str, largest: int) -> None:
        self._content, self._name, self._largest, self._left = content, name, largest, largest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as BufferedReader calls it
        got = self._content.read(len(buffer))
        self._left -= len(got)
        if self._left < 0:
            raise InvalidInput(
                f"{self._name} has more than {self._largest:,} bytes",
                remedy="Take its OBO file or a table, which are read line by line, or build it in parts.",
            )
        buffer[: len(got)] = got
        return len(got)
