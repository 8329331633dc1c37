"""Settings of the parse service."""

from medkg_contracts.settings import Settings


class ParseSettings(Settings):
    """The settings that every service has; parsing adds none."""
