"""Python code that is as the formatter would have it."""

from collections.abc import Iterable, Sequence
from typing import Final

#: The longest line.
WIDTH: Final = 120
_STEP: Final = "    "


def call(head: str, arguments: Sequence[str], tail: str, indent: int = 0) -> str:
    """``head(arguments)tail`` on one line, or the arguments on a line, or each on its own."""
    margin = _STEP * indent
    one = f"{margin}{head}({', '.join(arguments)}){tail}"
    if len(one) <= WIDTH:
        return one
    inner = margin + _STEP
    whole = inner + ", ".join(arguments)
    lines = [whole] if len(whole) <= WIDTH else [f"{inner}{argument}," for argument in arguments]
    return "\n".join([f"{margin}{head}(", *lines, f"{margin}){tail}"])


def imports(classes: Iterable[type], *others: tuple[str, str]) -> str:
    """Import statements for these classes, and for other names by their modules, sorted."""
    modules: dict[str, set[str]] = {}
    for module, name in (*others, *((each.__module__, each.__name__) for each in classes)):
        modules.setdefault(module, set()).add(name)
    return "\n".join(_import(module, sorted(names)) for module, names in sorted(modules.items()))


def mapping(items: Sequence[str], indent: int) -> str:
    """A dictionary on one line, with room for a comma, or each item on its own."""
    margin = _STEP * indent
    one = f"{{{', '.join(items)}}}"
    if len(margin) + len(one) < WIDTH:
        return one
    return "\n".join(["{", *(f"{margin}{_STEP}{item}," for item in items), f"{margin}}}"])


def camel(name: str) -> str:
    """``link-terms`` and ``link_terms`` as ``LinkTerms``."""
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


def snake(name: str) -> str:
    """``link-terms`` as ``link_terms``."""
    return name.replace("-", "_")


def _import(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"{_STEP}{name}," for name in names), ")"])
