"""Blocks of a file that are derived, between two lines that say so; all else in the file is written by hand."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from medkg_contracts.errors import ConfigurationError

#: A block's first line, in a comment of the file's own kind. The last one has ``end`` in place of ``derived``.
_BLOCK: Final = re.compile(
    r"^(?P<begin>(?P<indent> *)(?:#|<!--) derived: (?P<name>[a-z-]+)\b.*\n)"
    r"(?P<body>(?s:.*?))"
    r"^(?P<end> *(?:#|<!--) end: (?P=name)\b)",
    re.MULTILINE,
)


def renewed(text: str, blocks: Mapping[str, Sequence[str]]) -> str:
    """The text with the lines of its blocks replaced; each line is indented as the block's first line is.

    Raises:
        ConfigurationError: the text's blocks are not the ones that are given.
    """
    found = [match["name"] for match in _BLOCK.finditer(text)]
    if sorted(found) != sorted(blocks):
        raise ConfigurationError(
            f"the derived blocks are {', '.join(found) or 'none'}, and have to be {', '.join(blocks)}",
            remedy="A block stands between `# derived: NAME` and `# end: NAME`; put the lines back.",
        )

    def block(match: re.Match[str]) -> str:
        lines = (f"{match['indent']}{line}".rstrip() for line in blocks[match["name"]])
        return match["begin"] + "".join(f"{line}\n" for line in lines) + match["end"]

    return _BLOCK.sub(block, text)
