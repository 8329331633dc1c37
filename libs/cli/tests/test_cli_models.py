"""`medkg models`, with a cache of its own; nothing is fetched here, the package has tests of that."""

from pathlib import Path

import pytest
from medkg_models import CATALOGUE, folder_of

from .calling import medkg, medkg_json


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDKG_CACHE", str(tmp_path))


def test_the_list_says_what_is_there() -> None:
    """A model whose folder is there is ok, all others are missing."""
    first, *others = CATALOGUE.values()
    folder_of(first).mkdir(parents=True)

    told = {each["name"]: (each["revision"], each["state"]) for each in medkg_json("models", "list")}

    assert told[first.name] == (first.revision, "ok")
    assert {"missing"} == {told[model.name][1] for model in others}


def test_what_is_there_is_not_fetched_again() -> None:
    """Fetching answers where the model is."""
    model = next(iter(CATALOGUE.values()))
    folder_of(model).mkdir(parents=True)

    assert {model.name: str(folder_of(model))} == medkg_json("models", "fetch", model.name)


def test_an_unknown_model_is_refused() -> None:
    """The error lists the models that there are."""
    result = medkg("models", "fetch", "bge-large")

    assert 5 == result.exit_code
    assert all(name in result.stderr for name in CATALOGUE)
