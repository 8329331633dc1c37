"""The recogniser of a process: made once, whoever asks for it."""

from functools import cache

from medkg_recognition import Ingredients, Means, Recogniser
from medkg_vocabulary.settings import VocabularySettings

from .settings import ExtractSettings
from .text import TextReader


def ingredients(settings: ExtractSettings) -> Ingredients | None:
    """What a recogniser is made of by these settings; None where no text is to be read.

    Raises:
        ConfigurationError: a vocabulary is not there.
    """
    if settings.extract_names == "off":
        return None
    return Ingredients(settings.extract_names, settings.open_vocabularies())


def text_reader(settings: ExtractSettings) -> TextReader | None:
    """What reads texts by these settings; None where none is to be read.

    Raises:
        ConfigurationError: the model is not there, or does not belong to the vocabularies.
    """
    made_of = ingredients(settings)
    if made_of is None:
        return None
    return TextReader(_recogniser(made_of.means, settings.vocabularies), made_of.vocabularies)


@cache
def _recogniser(means: Means, vocabularies: str) -> Recogniser:
    # Its own view of the files: what is made here is handed on to forked processes, and connections must not be.
    return Ingredients(means, VocabularySettings(vocabularies=vocabularies).open_vocabularies()).recogniser()
