"""What Python packages say of their licence."""

import subprocess
import tempfile
from collections.abc import Mapping
from email.message import Message
from importlib.metadata import Distribution, distributions
from typing import Final, cast

from medkg_contracts.errors import ConfigurationError
from packaging.utils import canonicalize_name

from .expression import named
from .locked import uv

_TARGETS: Final = (("3.11", "linux"), ("3.12", "linux"), ("3.12", "windows"))


def licence(metadata: Message, names: Mapping[str, str]) -> str | None:
    """The SPDX expression that a package's core metadata means; nothing if it says none that we understand.

    The field that PEP 639 made for it counts first, then the free text, then the classifiers, all of which hold.
    """
    free = [metadata.get("License-Expression"), metadata.get("License")]
    for text in free:
        if text and (known := named(text, names)):
            return known
    classifiers = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License ::")]
    meant = [named(classifier, names) for classifier in classifiers]
    known_all = [expression for expression in meant if expression]
    if not known_all or len(known_all) != len(meant):
        return None
    return " AND ".join(f"({expression})" if " " in expression else expression for expression in known_all)


def installed() -> dict[tuple[str, str], Message]:
    """The core metadata of what this interpreter has, by name and version."""
    return {_key(distribution): _metadata(distribution) for distribution in distributions()}


def fetched(name: str, version: str) -> Message:
    """The core metadata of a package that this interpreter has not: it is for another one, or for another platform.

    Raises:
        ConfigurationError: the package could not be fetched for any interpreter that we allow.
    """
    argv = [uv(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", f"{name}=={version}"]
    said = ""
    for python, platform in _TARGETS:
        with tempfile.TemporaryDirectory(prefix="medkg-supply-") as folder:
            place = ["--target", folder, "--python-version", python, "--python-platform", platform]
            done = subprocess.run([*argv, *place], capture_output=True, text=True, check=False)  # noqa: S603 - ours
            if done.returncode == 0:
                return _metadata(next(iter(distributions(path=[folder]))))
            said = done.stderr.strip()
    raise ConfigurationError(
        f"the licence of {name} {version} could not be read, as no wheel of it could be fetched: {said}",
        remedy="Try again where the package registry can be reached.",
    )


def _metadata(distribution: Distribution) -> Message:
    # The protocol that importlib promises lacks `get`; what it gives is an email message in all versions.
    return cast("Message", distribution.metadata)


def _key(distribution: Distribution) -> tuple[str, str]:
    return canonicalize_name(distribution.name), distribution.version
