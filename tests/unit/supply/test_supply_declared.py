"""What Python packages, jars and Dockerfiles say of themselves."""

import zipfile
from email.message import Message
from pathlib import Path

import pytest
from medkg_supply.debian import packages
from medkg_supply.declared import licence
from medkg_supply.jars import component
from medkg_supply.locked import exported, npm_locked

NAMES = {
    "apache license, version 2.0": "Apache-2.0",
    "license :: osi approved :: apache software license": "Apache-2.0",
    "license :: osi approved :: mit license": "MIT",
}
MIT = ("Classifier", "License :: OSI Approved :: MIT License")
APACHE = ("Classifier", "License :: OSI Approved :: Apache Software License")
BSD = ("Classifier", "License :: OSI Approved :: BSD License")
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><licenses>{}</licenses></project>"""


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("License-Expression", "Apache-2.0 OR MIT"), ("License", "MIT")], "Apache-2.0 OR MIT"),
        ([("License", "MIT"), APACHE], "MIT"),
        ([("License", "Apache License, Version 2.0")], "Apache-2.0"),
        ([("License", "as you like"), MIT], "MIT"),
        ([MIT, APACHE], "MIT AND Apache-2.0"),
        ([BSD], None),
        ([MIT, BSD], None),
        ([("License", "UNKNOWN")], None),
        ([], None),
    ],
)
def test_metadata_means_an_expression(headers: list[tuple[str, str]], expected: str | None) -> None:
    """The field for it counts first, then the free text, then all classifiers; an ambiguous one leaves it open."""
    metadata = Message()
    for name, value in headers:
        metadata[name] = value

    assert expected == licence(metadata, NAMES)


def jar(folder: Path, name: str, **entries: str) -> Path:
    """A jar with these entries; ``__`` stands for a slash in a name."""
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for entry, text in entries.items():
            archive.writestr(entry.replace("__", "/"), text)
    return path


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (
            {"META-INF__maven__org.a__thing__pom.xml": "<license><name>MIT</name></license>"},
            "MIT",
        ),
        (
            {"META-INF__maven__org.a__thing__pom.xml": "<license><name>MIT</name></license>" * 2},
            "MIT OR MIT",
        ),
        (
            {"META-INF__maven__org.a__inside__pom.xml": "<license><name>MIT</name></license>"},
            "pom [], manifest None",
        ),
        ({"META-INF__LICENSE.txt": "   Apache License\n  Version 2.0, January 2004"}, "Apache-2.0"),
        ({"META-INF__LICENSE.txt": " GNU GENERAL PUBLIC LICENSE\n  Version 3, 29 June 2007"}, "GPL-3.0-only"),
        ({"META-INF__LICENSE.txt": "All rights reserved"}, "pom [], manifest None"),
        ({"META-INF__MANIFEST.MF": 'Bundle-License: "Apache-2.0";link="x"\r\n'}, "Apache-2.0"),
        ({"META-INF__MANIFEST.MF": "Bundle-License: Apache Lic\r\n ense, Version 2.0\r\n"}, "Apache-2.0"),
        ({"META-INF__MANIFEST.MF": "Bundle-License: ask us\r\n"}, "pom [], manifest ask us"),
    ],
)
def test_a_jar_says_its_licence(tmp_path: Path, entries: dict[str, str], expected: str) -> None:
    """In its own pom, its manifest or its licence file; a pom of what it contains does not count."""
    entries = {name: POM.format(text) if name.endswith("pom.xml") else text for name, text in entries.items()}

    found = component(jar(tmp_path, "thing-1.2.3.jar", **entries), NAMES, lambda _: None)

    assert ("thing", "1.2.3", expected) == (found.name, found.version, found.licence)


def test_what_a_person_read_counts_before_what_a_jar_says(tmp_path: Path) -> None:
    """A stated licence is not overruled by metadata."""
    path = jar(tmp_path, "thing-1.2.3.jar", META_INF="")

    assert "MIT" == component(path, NAMES, {"thing": "MIT"}.get).licence


def test_a_lock_has_versions_for_other_interpreters_and_platforms() -> None:
    """A marker or an extra leaves name and version as they are, and names are spelled in one way."""
    text = (
        "numpy==2.4.6 ; python_full_version < '3.12'\nnumpy==2.5.5 ; python_full_version >= '3.12'\nRuamel.Yaml[x]==1\n"
    )

    assert {("numpy", "2.4.6"), ("numpy", "2.5.5"), ("ruamel-yaml", "1")} == exported(text)


def test_npms_packages_have_name_version_and_licence(tmp_path: Path) -> None:
    """A nested copy is named by its package, the project itself is none, and a missing licence is seen."""
    lock = tmp_path / "package-lock.json"
    lock.write_text(
        """{"packages": {"": {"name": "ours"},
        "node_modules/@a/b": {"version": "1.0.0", "license": "(MIT OR Apache-2.0)"},
        "node_modules/@a/b/node_modules/c": {"version": "2.0.0"}}}"""
    )

    found = {(c.name, c.version, c.licence, c.scope) for c in npm_locked(lock)}

    assert {("@a/b", "1.0.0", "MIT OR Apache-2.0", "development"), ("c", "2.0.0", "None", "development")} == found


def test_a_dockerfile_says_what_it_takes_from_debian() -> None:
    """Options and versions are no packages, a command goes on behind a backslash and ends before the next one."""
    dockerfile = """
RUN apt-get update -qq \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "redis-server=5:${VERSION}-*" \\
        python3 && rm -rf /var/lib/apt/lists/*
RUN apt-get download -qq openjdk-21-jre-headless; ls
"""

    assert ["redis-server", "python3", "openjdk-21-jre-headless"] == list(packages(dockerfile))
