"""Who acts by this command, as events tell it."""

from getpass import getuser
from os import getuid
from typing import Final

#: The `source` of the command's events.
SOURCE: Final = "/medkg/cli"


def login() -> str:
    """Who runs the command."""
    try:
        return getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {getuid()}"
