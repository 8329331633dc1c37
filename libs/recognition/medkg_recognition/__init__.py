"""Finds names of diseases, chemicals and other things in text, and says which they are."""

from .lexicon import Lexicon
from .linking import Linker
from .opening import Ingredients, Means
from .recogniser import Named, Recogniser
from .tagger import Tagger

__all__ = ["Ingredients", "Lexicon", "Linker", "Means", "Named", "Recogniser", "Tagger"]
