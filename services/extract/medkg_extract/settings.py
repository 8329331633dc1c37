"""The extract stage's settings."""

from medkg_contracts.settings import Settings


class ExtractSettings(Settings):
    """What every service has; nothing of its own."""
