"""The real kgx: an environment of its own, made once, in which it needs no network."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml
from medkg_contracts.errors import ConfigurationError
from medkg_stack.cache import Cache

from tests.biolink import MODEL, OTHER_PREFIXES

_PACKAGES: Final = ("kgx==2.7.0", f"biolink-model=={MODEL['version']}")
#: What the environment takes on the disk, with some room.
_BYTES: Final = 1024**3


def environment() -> Path:
    """The folder of the environment, which is made the first time.

    Raises:
        ConfigurationError: uv is not installed, or the disk is too full.
    """
    return Cache(Cache.default().root / "kgx").entry(f"2.7.0-{MODEL['version']}", _install)


def kgx(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command ``kgx`` in a folder, with the Biolink model of its package.

    Args:
        folder: where it runs; takes its configuration too.
        arguments: of the command.
    """
    config = folder / "kgx.yml"
    config.write_text(yaml.safe_dump(_config(folder)))
    launcher = str(Path(__file__).with_name("launcher.py"))
    python = environment() / "bin" / "python"
    argv = [str(python), launcher, str(config), *arguments]
    # Where nobody listens: what would be fetched after all fails.
    nowhere = "http://127.0.0.1:9"
    own: Mapping[str, str] = {"PYTHONWARNINGS": "ignore", "http_proxy": nowhere, "https_proxy": nowhere}
    return subprocess.run(argv, cwd=folder, env=os.environ | own, capture_output=True, text=True, check=False)


def _config(folder: Path) -> dict[str, object]:
    """As kgx comes with it, but with the prefixes in files: those of the model's package, and others that we use."""
    (schema,) = environment().glob("lib/python*/site-packages/biolink_model/schema/biolink_model.yaml")
    prefixes = json.loads((schema.parents[1] / "prefixmaps" / "biolink-model-prefix-map.json").read_text())
    context = folder / "context.json"
    others = {prefix: f"https://medkg.example/{prefix}/" for prefix in sorted(OTHER_PREFIXES)}
    context.write_text(json.dumps({"@context": {**prefixes, **others}}))
    names = ("biolink", "monarch_context", "obo_context")
    return {
        "graph_store": "kgx.graph.nx_graph.NxGraph",
        "logging": {"level": "ERROR", "format": "%(levelname)s: %(message)s"},
        "jsonld-context": dict.fromkeys(names, str(context)),
        "biolink": str(schema),
    }


def _install(folder: Path) -> None:
    if shutil.disk_usage(folder).free < _BYTES:
        raise ConfigurationError(f"kgx needs 1 GB on the disk of {folder.parent}", remedy="Make room there.")
    uv = shutil.which("uv")
    if uv is None:
        raise ConfigurationError("uv is needed to install kgx", remedy="Run it by `make kgx`.")
    # In the folder, since uv heeds what the pyproject.toml of the one that it is started in says of dependencies.
    subprocess.run([uv, "venv", "--quiet", "--allow-existing", "."], check=True, cwd=folder)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", "bin/python", *_PACKAGES], check=True, cwd=folder)
