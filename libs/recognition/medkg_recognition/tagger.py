"""A conditional random field that marks names of diseases and chemicals word by word."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pycrfsuite
from medkg_contracts.errors import ConfigurationError

from .features import features
from .lexicon import Lexicon
from .spans import Found, balanced
from .tokens import Token, tokens

#: What its labels stand for.
CATEGORIES: Final[Mapping[str, str]] = {"Disease": "biolink:Disease", "Chemical": "biolink:ChemicalEntity"}
LABELS: Final[Mapping[str, str]] = {category: label for label, category in CATEGORIES.items()}
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

    def find(self, text: str, words: Iterable[list[Token]], short: Mapping[str, str]) -> list[Found]:
        """The names in a text.

        Args:
            text: of a document.
            words: those of its sentences.
            short: the long forms of the short forms that it explains.
        """
        found = []
        for sentence, its in prepared(words, short, self._lexicon):
            labels = self._model.tag(its)
            for first, last, label in stretches(labels):
                start, end = balanced(text, sentence[first].start, sentence[last].end)
                sure = min(self._model.marginal(labels[i], i) for i in range(first, last + 1))
                found.append(Found(start, end, CATEGORIES[label], "tagger", round(min(sure, 1.0), 4)))
        return found


def prepared(words: Iterable[list[Token]], short: Mapping[str, str], lexicon: Lexicon) -> Iterator[Sentence]:
    """The sentences of a text, with the features of their words."""
    explained = {form: _last(marks(tokens(long), lexicon)) for form, long in short.items()}
    for sentence in words:
        yield sentence, features(sentence, marks(sentence, lexicon), explained)


def marks(words: Sequence[Token], lexicon: Lexicon) -> list[str]:
    """Of each word, which kind of name begins (``B-``) or goes on (``I-``) with it; "O" for none."""
    found = ["O"] * len(words)
    for match in lexicon.find(words):
        kind = "+".join(sorted({_KINDS.get(kind, "X") for kind in match.kinds}))
        found[match.first] = f"B-{kind}"
        found[match.first + 1 : match.last + 1] = [f"I-{kind}"] * (match.last - match.first)
    return found


def stretches(labels: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """What labels mark: first and last word, and the kind; a label that goes on with what has not begun begins it."""
    first, current = 0, ""
    for i, label in enumerate((*labels, "O")):
        kind = label[2:]
        if current and (label[:1] != "I" or kind != current):
            yield first, i - 1, current
            current = ""
        if kind and not current:
            first, current = i, kind


def _last(of: Sequence[str]) -> str:
    """The kind of the last name among them, without where in it."""
    return next((mark[2:] for mark in reversed(of) if mark != "O"), "-")
