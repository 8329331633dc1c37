"""Loaded by the fork server alone: makes the recogniser, some 200 MB, once for all worker processes."""

import gc
from contextlib import suppress

from medkg_contracts.errors import MedkgError

from .recognition import text_reader
from .settings import ExtractSettings

# What is wrong with settings, model or vocabularies the first worker says, whose start is waited for.
gc.disable()  # nothing of what is made is garbage, and there is much of it to look through
with suppress(MedkgError, ValueError):
    text_reader(ExtractSettings())
gc.freeze()  # a collection in a worker would copy all pages with objects
gc.enable()
