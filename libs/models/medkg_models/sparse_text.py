"""Texts as tokens of a SPLADE model's vocabulary, in windows that the model takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from medkg_contracts.errors import ConfigurationError
from tokenizers import Tokenizer


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a text that the model takes as a whole.

    Attributes:
        text: the text's position.
        ids: its tokens, those at its ends that the model wants included.
    """

    text: int
    ids: tuple[int, ...]


class SparseVocabulary:
    """A tokenizer, and what it calls its tokens.

    Args:
        path: the model's ``tokenizer.json``.
        max_tokens: the model takes so many at once.

    Attributes:
        terms: the vocabulary, each term at its token's number.
        special: numbers of the tokens that stand for no text, such as ``[CLS]``.

    Raises:
        ConfigurationError: the file is no tokenizer of a BERT model.
    """

    def __init__(self, path: Path, max_tokens: int) -> None:
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ConfigurationError(f"{path} is no tokenizer that can be read: {error}") from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        begin, end = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
        if begin is None or end is None:
            raise ConfigurationError(f"{path} is not the tokenizer of a BERT model: it has no [CLS] and [SEP]")
        numbers = tokenizer.get_vocab()
        self.terms = tuple(sorted(numbers, key=lambda term: numbers[term]))
        added = tokenizer.get_added_tokens_decoder()
        self.special = np.array(sorted(number for number, token in added.items() if token.special), dtype=np.intp)
        self._tokenizer, self._ends = tokenizer, (begin, end)
        self._room = max_tokens - len(self._ends)

    def windows(self, texts: Sequence[str]) -> list[Window]:
        """The texts in pieces that begin and end between words; a text without a token has none."""
        begin, end = self._ends
        encoded = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return [
            Window(text, (begin, *tokens.ids[start:stop], end))
            for text, tokens in enumerate(encoded)
            for start, stop in pieces(tokens.word_ids, self._room)
        ]


def pieces(words: Sequence[int | None], room: int) -> Iterator[tuple[int, int]]:
    """Where each piece of at most `room` tokens begins and ends.

    Args:
        words: for each token its word's number.
        room: at least 1. A word that has more tokens is cut.
    """
    start = 0
    while start < len(words):
        stop = min(start + room, len(words))
        between = stop
        while between < len(words) and between > start and words[between] == words[between - 1]:
            between -= 1
        stop = between if between > start else stop
        yield start, stop
        start = stop
