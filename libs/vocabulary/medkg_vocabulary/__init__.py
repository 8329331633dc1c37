"""Vocabularies of names: read from their own formats, compiled into one file, looked up."""

from .compiled import About, Counts, Vocabulary
from .compiling import Compiled, write_vocabulary
from .formats import FORMATS, Reading, format_of
from .shipped import SHIPPED, shipped
from .term import Synonym, Term

__all__ = [
    "FORMATS",
    "SHIPPED",
    "About",
    "Compiled",
    "Counts",
    "Reading",
    "Synonym",
    "Term",
    "Vocabulary",
    "format_of",
    "shipped",
    "write_vocabulary",
]
