"""Runs the command ``kgx`` in its own environment, where it reads the Biolink model from a file: CONFIG ARGUMENT ...

By itself it fetches the model from the network when it is imported, of whatever version.
"""

import sys

import bmt
import kgx.config
from linkml_runtime.utils.schemaview import SchemaView

config = kgx.config.get_config(sys.argv[1])
_VIEW = SchemaView(config["biolink"])


def _toolkit(self, *_, **__):
    self.view = _VIEW
    self.pmap = {"predicate mappings": []}


bmt.Toolkit.__init__ = _toolkit

from kgx.cli import cli  # noqa: E402 - it makes a toolkit when it is imported

sys.argv = ["kgx", *sys.argv[2:]]
cli()
