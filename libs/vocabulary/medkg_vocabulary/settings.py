"""The setting that says which vocabularies a service uses."""

from collections import Counter
from pathlib import Path

from medkg_contracts.errors import ConfigurationError
from medkg_contracts.settings import Settings

from .compiled import Vocabulary
from .shipped import SHIPPED, shipped


class VocabularySettings(Settings):
    """Which vocabularies a service knows.

    Attributes:
        vocabularies: names of those that come with medkg, ``mesh`` and ``doid``, and paths of files that
            ``medkg vocabulary build`` made, separated by commas; where two know a name, the first decides.
    """

    vocabularies: str = "mesh,doid"

    def open_vocabularies(self) -> tuple[Vocabulary, ...]:
        """Those vocabularies, in their order; those that come with medkg are compiled if they are not yet.

        Raises:
            ConfigurationError: one of them is not there, is no vocabulary, or has the name of another.
            ResourceUnavailable: another process does not get done with compiling one.
        """
        wanted = [part for each in self.vocabularies.split(",") if (part := each.strip())]
        opened = tuple(Vocabulary(shipped(each) if each in SHIPPED else Path(each)) for each in wanted)
        named = Counter(vocabulary.about.name for vocabulary in opened)
        if twice := [name for name, times in named.items() if times > 1]:
            raise ConfigurationError(
                f"MK_VOCABULARIES has two vocabularies with the name {twice[0]!r}",
                remedy="Leave one out, or build it with another `--name`.",
            )
        return opened
