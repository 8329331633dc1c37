"""Makes the table of a vocabulary that comes with medkg out of its source: `python -m medkg_vocabulary.packing`."""

import argparse
import lzma
from collections.abc import Iterable
from pathlib import Path

from .formats import FORMATS, format_of
from .formats.tsv import write_tsv
from .shipped import FOLDER, SHIPPED, reading_of
from .term import Term


def packed(terms: Iterable[Term]) -> bytes:
    """A table of terms, compressed; the same terms make the same bytes."""
    lines = "".join(write_tsv(sorted(terms, key=lambda term: term.id)))
    return lzma.compress(lines.encode(), preset=9 | lzma.PRESET_EXTREME)


def main() -> None:
    """Write the table of the vocabulary that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m medkg_vocabulary.packing", description=__doc__)
    parser.add_argument("name", choices=SHIPPED)
    parser.add_argument("source", type=Path, help="its file, as the README.md beside the tables says")
    parser.add_argument("--into", type=Path, default=FOLDER, help="the folder of the tables")
    given = parser.parse_args()
    terms = FORMATS[format_of(given.source)](given.source, reading_of(given.name))
    table: Path = given.into / f"{given.name}.tsv.xz"
    print(f"{table}: {table.write_bytes(packed(terms)):,} bytes")


if __name__ == "__main__":
    main()
