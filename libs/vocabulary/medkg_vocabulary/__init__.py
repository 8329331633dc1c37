"""Vocabularies of names: read from their own formats, compiled into one file, looked up."""

from .compiled import About, Compiled, Vocabulary, write_vocabulary
from .formats import FORMATS, Reading, format_of
from .term import Synonym, Term

__all__ = [
    "FORMATS",
    "About",
    "Compiled",
    "Reading",
    "Synonym",
    "Term",
    "Vocabulary",
    "format_of",
    "write_vocabulary",
]
