"""A conditional random field that marks names of diseases and chemicals word by word."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pycrfsuite
from medkg_contracts.errors import ConfigurationError

from .features import features
from .lexicon import Lexicon
from .spans import Found, balanced
from .tokens import Token, sentences, tokens

#: What its labels stand for.
CATEGORIES: Final[Mapping[str, str]] = {"Disease": "biolink:Disease", "Chemical": "biolink:ChemicalEntity"}
#: How a dictionary's kinds are told to it; others are told as what they are not.
_KINDS: Final[Mapping[str, str]] = {
    "biolink:Disease": "D",
    "biolink:PhenotypicFeature": "D",
    "biolink:ChemicalEntity": "C",
    "biolink:Protein": "P",
    "biolink:AnatomicalEntity": "A",
    "biolink:OrganismTaxon": "S",
}

Sentence = tuple[list[Token], list[list[str]]]


class Tagger:
    """A trained model with the dictionary that its features look at."""

    def __init__(self, model: Path, lexicon: Lexicon) -> None:
        """Open it.

        Raises:
            ConfigurationError: there is no such model, or it is none.
        """
        self._lexicon = lexicon
        self._model = pycrfsuite.Tagger()
        try:
            self._model.open(str(model))
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{model} is no tagger: {error}", remedy="Train one: `make tagger`.") from error

    def find(self, text: str, short: Mapping[str, str]) -> list[Found]:
        """The names in a text.

        Args:
            text: of a document, or a part of it.
            short: the long forms of the short forms that it explains.
        """
        found = []
        for words, its in prepared(text, short, self._lexicon):
            labels = self._model.tag(its)
            score = self._model.probability(labels) ** (1 / len(words))
            found += [
                Found(*balanced(text, start, end), CATEGORIES[kind], "tagger", round(score, 4))
                for start, end, kind in stretches(words, labels)
            ]
        return found


def prepared(text: str, short: Mapping[str, str], lexicon: Lexicon) -> Iterator[Sentence]:
    """The sentences of a text as words and features."""
    explained = {form: _last([*marks(tokens(long), lexicon)]) for form, long in short.items()}
    for start, end in sentences(text):
        words = tokens(text, start, end)
        yield words, features(words, marks(words, lexicon), explained)


def marks(words: Sequence[Token], lexicon: Lexicon) -> list[str]:
    """Of each word, which kind of name begins (``B-``) or goes on (``I-``) with it; "O" for none."""
    found = ["O"] * len(words)
    for match in lexicon.find(words):
        kind = "+".join(sorted({_KINDS.get(kind, "X") for kind in match.kinds}))
        found[match.first] = f"B-{kind}"
        found[match.first + 1 : match.last + 1] = [f"I-{kind}"] * (match.last - match.first)
    return found


def stretches(words: Sequence[Token], labels: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """What labels mark: start, end and kind; one that goes on with what has not begun begins it."""
    start = end = 0
    current = ""
    for word, label in zip(words, labels, strict=True):
        kind = label[2:]
        if current and (label[:1] != "I" or kind != current):
            yield start, end, current
            current = ""
        if kind and not current:
            start, current = word.start, kind
        end = word.end
    if current:
        yield start, end, current


def _last(of: Sequence[str]) -> str:
    """The kind of the last name among them, without where in it."""
    return next((mark[2:] for mark in reversed(of) if mark != "O"), "-")
