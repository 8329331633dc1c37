"""Settings of the validate service."""

from medkg_contracts.settings import Settings


class ValidateSettings(Settings):
    """The settings that every service has; validating adds none."""
