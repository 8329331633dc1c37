"""Measures how good searches are, on a test collection whose answers are known. Needs the extra `evaluation`."""

from importlib.util import find_spec
from typing import Final

from medkg_contracts.errors import ConfigurationError

_LIBRARIES: Final = ("haystack", "ir_measures", "leather", "scipy")


def check_installed(libraries: tuple[str, ...] = _LIBRARIES) -> None:
    """Refuse to go on where the libraries are not there that nothing else of medkg needs.

    Raises:
        ConfigurationError: one is missing; the remedy says how it is installed.
    """
    if missing := [library for library in libraries if find_spec(library) is None]:
        raise ConfigurationError(
            f"evaluating retrieval needs what is not installed: {', '.join(missing)}",
            remedy="Run `uv run medkg eval` in a checkout, or install medkg-cli[evaluation].",
        )


check_installed()
