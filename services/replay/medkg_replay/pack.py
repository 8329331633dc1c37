"""Packs a folder of recorded studies into the file that the server reads.

``python -m medkg_replay.pack FOLDER FILE``: one line for each ``*.json``, in the order of their names. The same
folder always gives the same bytes.
"""

import gzip
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson


def lines(folder: Path) -> Iterator[bytes]:
    """One JSON line for each recorded body: the body as text, unchanged, and its digest."""
    for path in sorted(folder.glob("*.json")):
        body = path.read_bytes()
        yield orjson.dumps({"sha256": hashlib.sha256(body).hexdigest(), "body": body.decode()}) + b"\n"


def pack(folder: Path, file: Path) -> int:
    """Write the folder's bodies to the file; how many there were."""
    count = 0
    # Neither a time nor a name in the gzip header, so that only the bodies decide the file's bytes.
    with file.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        for line in lines(folder):
            packed.write(line)
            count += 1
    return count


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m medkg_replay.pack FOLDER FILE")
    sys.stdout.write(f"{pack(Path(sys.argv[1]), Path(sys.argv[2]))} studies\n")
