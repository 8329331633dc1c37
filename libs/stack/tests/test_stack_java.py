from pathlib import Path

import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_stack import java
from medkg_stack.java import ask, find_java


def install(folder: Path, version: str) -> Path:
    """A ``java`` that says it is of this version, as the real one does: on standard error."""
    command = folder / "bin" / "java"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    command.chmod(0o755)
    return command


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any Java, whose JVM folder is the path given back."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(java, "JVM_FOLDER", tmp_path / "jvm")
    return tmp_path / "jvm"


@pytest.mark.parametrize(
    ("version", "major"), [("17.0.15", 17), ("25", 25), ("1.8.0_402", 8), ("21-ea", 21), ("25.0.1", 25)]
)
def test_a_java_is_asked_for_its_release(tmp_path: Path, version: str, major: int) -> None:
    """The release is read from every form of version that JDKs print."""
    found = ask(install(tmp_path, version))

    assert found is not None
    assert (major, version) == (found.major, found.version)


def test_java_home_comes_first(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JAVA_HOME that is new enough wins over what else is installed."""
    install(machine / "jdk-25", "25.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "mine"))

    assert install(tmp_path / "mine", "21.0.4") == find_java(21).command


def test_an_old_default_is_passed_over_for_a_sibling(machine: Path, tmp_path: Path) -> None:
    """Where the default Java is too old, one that stands beside it is taken."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(install(machine / "jdk-17", "17.0.15"))

    assert install(machine / "jdk-25", "25.0.1") == find_java(21).command


def test_no_java_says_what_to_install(machine: Path) -> None:
    """Without a new enough Java the error names what was found, and its remedy what to install."""
    old = install(machine / "jdk-17", "17.0.15")

    with pytest.raises(ConfigurationError, match=rf"JDK 21 or newer is needed; found 17\.0\.15 at {old}") as caught:
        find_java(21)

    assert "openjdk-21-jdk-headless" in caught.value.info.remedy


def test_a_broken_java_is_no_java(machine: Path) -> None:
    """A file called java that does not run is passed over."""
    command = install(machine / "broken", "21")
    command.write_text("#!/bin/sh\nexit 1\n")

    with pytest.raises(ConfigurationError, match="none at all"):
        find_java(21)
