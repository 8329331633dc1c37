"""SPDX licence expressions: what a package says of itself, spelled as SPDX spells it, and whether a list allows it."""

from collections.abc import Collection, Mapping

from boolean.boolean import AND, OR, Expression
from license_expression import ExpressionError, get_spdx_licensing

_SPDX = get_spdx_licensing()


def canonical(text: str) -> str | None:
    """The expression as SPDX spells it, or nothing if it is none or names a licence that SPDX does not know."""
    try:
        parsed = _SPDX.parse(text, validate=True, strict=True)
    except ExpressionError:
        return None
    return None if parsed is None else str(parsed.render())


def named(text: str, names: Mapping[str, str]) -> str | None:
    """The expression that a free text means: it is one, or ``names`` has it (in any case, without outer spaces)."""
    return canonical(text) or names.get(text.strip().casefold())


def allows(allowed: Collection[str], expression: str) -> bool:
    """Whether the licences allowed suffice: of an OR one side has to be among them, of an AND all."""
    parsed = _SPDX.parse(expression, validate=True, strict=True)
    return parsed is not None and _holds(parsed, frozenset(allowed))


def _holds(parsed: Expression, allowed: frozenset[str]) -> bool:
    if isinstance(parsed, OR):
        return any(_holds(part, allowed) for part in parsed.args)
    if isinstance(parsed, AND):
        return all(_holds(part, allowed) for part in parsed.args)
    # A licence WITH an exception is one symbol here, and is allowed by its full name alone.
    return str(parsed) in allowed
