"""Cuts documents into chunks with exact spans."""

import os

# Haystack reads this once, when it is imported: unset, it writes an id under the home folder and reports on use.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
