"""Vocabularies of names: read from their own formats, compiled into one file, looked up."""

from .compiled import About, Compiled, Vocabulary, write_vocabulary
from .formats import FORMATS, Reading, format_of
from .shipped import SHIPPED, shipped
from .term import Synonym, Term

__all__ = [
    "FORMATS",
    "SHIPPED",
    "About",
    "Compiled",
    "Reading",
    "Synonym",
    "Term",
    "Vocabulary",
    "format_of",
    "shipped",
    "write_vocabulary",
]
