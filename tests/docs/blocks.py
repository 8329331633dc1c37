"""The fenced code blocks of a page, as steps that a reader would take."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = (
    *(
        REPOSITORY / name
        for name in ("README.md", "CONTRIBUTING.md", "deploy/images/README.md", "deploy/compose/README.md")
    ),
    *sorted(DOCS.rglob("*.md")),
)

_FENCE = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        title: the file that it is, or what it shows.
    """

    language: str
    title: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command of a page.

    Attributes:
        shown: the output that the page shows; None when it shows none.
    """

    words: tuple[str, ...]
    shown: str | None = None


def blocks(page: Path) -> list[Block]:
    """The page's fenced blocks, in order."""
    found = _FENCE.finditer(page.read_text())
    return [Block(match["language"], match["title"] or "", match["text"]) for match in found]


def titled(page: Path, title: str) -> Block:
    """The page's block with this title."""
    return next(block for block in blocks(page) if block.title == title)


def commands(block: Block) -> Iterator[Command]:
    """The commands of a block: of ``sh`` each line is one, of ``console`` each line that begins with a prompt."""
    if block.language == "sh":
        for line in block.text.replace("\\\n", " ").splitlines():
            if line.strip():
                yield Command(_words(line))
    elif block.language == "console":
        for step in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            line, _, shown = step.partition("\n")
            yield Command(_words(line), shown)


def _words(line: str) -> tuple[str, ...]:
    """The command's words, without settings before it, nor a comment, an ampersand or a file to read behind it."""
    words = shlex.split(re.sub(r" < \S+$", "", line), comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    return tuple(words[:-1] if words[-1:] == ["&"] else words)
