"""Opens what recognises names: the model that comes with this package, and the vocabularies of whoever uses it."""

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import orjson
from medkg_contracts.errors import ConfigurationError
from medkg_vocabulary import Vocabulary, shipped
from medkg_vocabulary.shipped import SHIPPED

from .features import FORM
from .keys import Key
from .lexicon import Lexicon
from .linking import Learned, Linker
from .recogniser import Recogniser
from .tagger import CATEGORIES, Tagger

#: The model, the names that people have linked, and the card that says what they are; see its README.md.
FOLDER: Final = Path(__file__).parent / "model"
MODEL, NAMES, CARD = "tagger.crf", "names.tsv", "card.json"

#: What of the vocabularies that come with medkg the tagger's features look at.
_SEEN: Final = frozenset(
    {
        "biolink:Disease", "biolink:PhenotypicFeature", "biolink:ChemicalEntity", "biolink:Protein",
        "biolink:AnatomicalEntity", "biolink:OrganismTaxon",
    }
)  # fmt: skip
#: What of them is found by the dictionary alone.
_FOUND: Final = frozenset({"biolink:Disease", "biolink:PhenotypicFeature", "biolink:ChemicalEntity", "biolink:Protein"})

#: By what names are found.
Means = Literal["tagger", "dictionary"]


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a recogniser is made of, known before it is made.

    Attributes:
        vocabularies: that names are linked to; an earlier one counts first.
    """

    means: Means
    vocabularies: tuple[Vocabulary, ...]

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each, by name."""
        made = {vocabulary.about.name: vocabulary.digest for vocabulary in self.vocabularies}
        if self.means == "tagger":
            made |= {"tagger": _sha256(FOLDER / MODEL), "linked-names": _sha256(FOLDER / NAMES)}
        return made

    def recogniser(self) -> Recogniser:
        """Make it; takes seconds, and some 200 MB.

        Raises:
            ConfigurationError: the model was trained with another dictionary, or is not there.
        """
        own = [vocabulary for vocabulary in self.vocabularies if vocabulary.about.name not in SHIPPED]
        if self.means == "dictionary":
            return Recogniser(None, Lexicon(_found(self.vocabularies)), Linker(self.vocabularies))
        tagger = shipped_tagger(FOLDER)
        return Recogniser(tagger, Lexicon(_found(own)), Linker(self.vocabularies, linked_names(FOLDER / NAMES)))


def seen_by_tagger() -> Lexicon:
    """The dictionary that the tagger's features look at: of what comes with medkg, whatever else is used."""
    return Lexicon(
        (name, category)
        for each in ("mesh", "doid")
        for name, _, category in Vocabulary(shipped(each)).names(("exact", "related"))
        if category in _SEEN
    )


def shipped_tagger(folder: Path) -> Tagger:
    """The tagger of a folder.

    Raises:
        ConfigurationError: it is not there, or was trained with other features or another dictionary.
    """
    try:
        card: Mapping[str, str] = orjson.loads((folder / CARD).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ConfigurationError(f"{folder} has no model: {error}", remedy="Train one: `make tagger`.") from error
    lexicon = seen_by_tagger()
    for what, trained, now in (
        ("file", card["model"], _sha256(folder / MODEL)),
        ("form of features", card["features"], FORM),
        ("dictionary", card["dictionary"], lexicon.digest),
    ):
        if trained != now:
            raise ConfigurationError(
                f"the tagger in {folder} was trained with another {what} ({trained[:12]}) than there is ({now[:12]})",
                remedy="Train it anew: `make tagger`. Or take model and vocabularies of one version of medkg.",
            )
    return Tagger(folder / MODEL, lexicon)


def linked_names(path: Path) -> Learned:
    """What people have linked, from a file of kinds, names and ids."""
    with path.open(encoding="utf-8", newline="") as file:
        return {(CATEGORIES[kind], _key(words)): id_ for kind, words, id_ in csv.reader(file, "excel-tab")}


def _key(words: str) -> Key:
    return tuple(words.split(" "))


def _found(vocabularies: Sequence[Vocabulary]) -> Iterator[tuple[str, str]]:
    """The names that the dictionary finds: of vocabularies that users bring all."""
    for vocabulary in vocabularies:
        everything = vocabulary.about.name not in SHIPPED
        for name, _, category in vocabulary.names():
            if everything or category in _FOUND:
                yield name, category


@cache
def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
