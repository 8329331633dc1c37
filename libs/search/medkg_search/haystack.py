"""Haystack, which is told before it is imported that nobody wants to know who uses it."""

import os

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "false"

from haystack import Document, component
from haystack.components.joiners import DocumentJoiner

__all__ = ["Document", "DocumentJoiner", "component"]
