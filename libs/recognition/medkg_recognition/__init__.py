"""Finds names of diseases, chemicals and other things in text, and says which they are."""

from .lexicon import Lexicon
from .linking import Linker
from .recogniser import Recogniser
from .tagger import Tagger

__all__ = ["Lexicon", "Linker", "Recogniser", "Tagger"]
