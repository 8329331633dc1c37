"""A model belongs to the dictionary that it was trained with."""

import shutil
from pathlib import Path

import orjson
import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_recognition import opening
from medkg_recognition.card import readable
from medkg_recognition.lexicon import Lexicon
from medkg_recognition.opening import CARD, FOLDER, MODEL, NAMES, shipped_tagger


def test_another_dictionary_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a model that is not the card's, and a folder without one; the remedy says what to do."""
    monkeypatch.setattr(opening, "seen_by_tagger", lambda: Lexicon([("asthma", "biolink:Disease")]))
    with pytest.raises(ConfigurationError, match="was trained with another dictionary") as refused:
        shipped_tagger(FOLDER)
    shutil.copy(FOLDER / CARD, tmp_path)
    (tmp_path / MODEL).write_bytes(b"another")
    for folder, told in ((tmp_path, "trained with another file"), (tmp_path / "none", "has no model")):
        with pytest.raises(ConfigurationError, match=told):
            shipped_tagger(folder)

    assert "make tagger" in refused.value.info.remedy


def test_the_card_is_that_of_the_model() -> None:
    """Its digests are those of the files beside it, the page is made of it, and the model is small enough."""
    card = orjson.loads((FOLDER / CARD).read_bytes())
    digests = [opening._sha256(FOLDER / name) for name in (MODEL, NAMES)]

    assert digests == [card["model"], card["names"]]
    assert readable(card) == (FOLDER / "README.md").read_text(encoding="utf-8")
    assert (FOLDER / MODEL).stat().st_size < 10_000_000
    assert [500, 593] == [each["abstracts"] for each in card["data"]]
    assert all(each["strict_f1"] >= 0.75 and each["normalised_f1"] >= 0.72 for each in card["scores"])
