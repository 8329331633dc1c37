"""What is wrong in a topology file: where, why, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

from medkg_contracts.errors import TopologyInvalid

#: So many known words are compared with an unknown one. It costs a tenth of a millisecond each, and a file may have
#: hundreds of unknown words.
MOST_COMPARED = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to refuse a file.

    Attributes:
        file: the path as it was given.
        line: from 1.
        field: such as ``stages[2].depends_on``; ``file`` when the whole file is meant.
        message: what is wrong.
        remedy: what a person does about it.
    """

    file: str
    line: int
    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message}. Remedy: {self.remedy}"


def in_line_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems as a reader meets them in the file, each once."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line)))


def refusal(problems: Iterable[Problem]) -> TopologyInvalid:
    """The error that reports these problems, one on each line."""
    return TopologyInvalid("\n".join(map(str, problems)))


def suggestion(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` when a known word is close, otherwise nothing."""
    close = get_close_matches(word, islice(known, MOST_COMPARED), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def listed(words: Iterable[str]) -> str:
    """The words as a sentence lists them; ``none`` when there are none."""
    return ", ".join(words) or "none"
