"""Annotated texts of files and folders, whatever their form."""

from pathlib import Path

from medkg_contracts.errors import InvalidInput, NotFound

from .bioc import read_bioc
from .corpus import Abstract
from .pubtator import read_pubtator


def read_corpus(path: Path) -> list[Abstract]:
    """All texts of a file, or of a folder's files in the order of their names: PubTator (.txt), BioC (.xml, .json).

    Raises:
        NotFound: there is no such file, or none in the folder.
        InvalidInput: a file is not what its name says, or has no texts.
    """
    files = sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES) if path.is_dir() else [path]
    if not files or not path.exists():
        raise NotFound(
            f"{path} has no annotated texts",
            remedy="Name a file, or a folder, of PubTator (.txt) or BioC (.xml, .json).",
        )
    abstracts = [abstract for file in files for abstract in _read(file)]
    if not abstracts:
        raise InvalidInput(f"{path} has no texts in PubTator's form: lines such as 227508|t|A title")
    return abstracts


_SUFFIXES = (".txt", ".pubtator", ".xml", ".json")


def _read(file: Path) -> list[Abstract]:
    if file.suffix in (".xml", ".json"):
        return list(read_bioc(file))
    try:
        with file.open(encoding="utf-8") as lines:
            return list(read_pubtator(lines, file.name))
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file.name} is no text in UTF-8: {error}") from error
