"""What the settings and a topology may say of how documents are cut."""

import pytest
from medkg_chunk.options import Options, chosen
from medkg_chunk.settings import ChunkSettings
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.model import OptionValue

from .cases import chunk, document, section


def found(**said: OptionValue) -> Options:
    return chosen(ChunkSettings().options, said, "auto").options


def test_what_a_topology_says_holds_before_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option of the topology overrides its setting; the others are the settings'."""
    monkeypatch.setenv("MK_CHUNK_STRATEGY", "section")
    monkeypatch.setenv("MK_CHUNK_MAX_TOKENS", "100")
    options = found(max_tokens=128)

    assert ("section", 128) == (options.strategy, options.max_tokens)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"strategy": "words"}, "option 'strategy' of the chunk stage: it is 'words', and may be sentences"),
        ({"max_tokens": 9}, "option 'max_tokens' of the chunk stage: it is 9, and may be a whole number from 16 to 8"),
        ({"max_tokens": "99"}, "option 'max_tokens' of the chunk stage: it is '99', and may be a whole number from 16"),
        ({"max_tokens": True}, "option 'max_tokens' of the chunk stage: it is True, and may be a whole number from 16"),
        (
            {"section_tokens": 600},
            "option 'section_tokens' of the chunk stage: it has no effect with the strategy 'sentences', only with 's",
        ),
        (
            {"strategy": "semantic", "max_tokens": 64, "min_tokens": 33},
            "option 'min_tokens' of the chunk stage: it is 33, and may be at most half of max_tokens, 64",
        ),
        (
            {"strategy": "section", "section_tokens": 99},
            "option 'section_tokens' of the chunk stage: it is 99, and may not be less than max_tokens, 256",
        ),
    ],
)
def test_a_wrong_option_is_refused_by_name(said: dict[str, OptionValue], message: str) -> None:
    """A topology's option that is of no effect or none of what it may be is named, with the topology."""
    with pytest.raises(ConfigurationError) as refused:
        found(**said)

    assert str(refused.value).startswith(f"topology 'auto', {message}")
    assert "Correct the stage's `options` in the topology 'auto'" in refused.value.info.remedy


def test_settings_that_contradict_each_other_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that another one forbids is named as the variable that it is."""
    monkeypatch.setenv("MK_CHUNK_STRATEGY", "section")
    monkeypatch.setenv("MK_CHUNK_SECTION_TOKENS", "100")

    with pytest.raises(ConfigurationError, match=r"^MK_CHUNK_SECTION_TOKENS: it is 100"):
        found()


def test_a_setting_of_another_strategy_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting for a strategy that only some topologies ask for is no error for the others."""
    monkeypatch.setenv("MK_CHUNK_SECTION_TOKENS", "300")

    assert ("sentences", 300) == (found().strategy, found(strategy="section").section_tokens)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"tokenizer": "letters"}, "option 'tokenizer' of the chunk stage: it is 'letters', and may be words"),
        (
            {"strategy": "semantic", "model": "kidneys"},
            "option 'model' of the chunk stage: it is 'kidneys', and may be topics",
        ),
        (
            {"tokenizer": "words", "max_tokens": 65},
            "option 'max_tokens' of the chunk stage: it is 65, and words takes at most 64 tokens",
        ),
        (
            {"tokenizer": "words", "strategy": "section", "max_tokens": 64, "section_tokens": 99},
            "option 'section_tokens' of the chunk stage: it is 99, and words takes at most 64 tokens",
        ),
        ({"tokenizer": "words"}, "MK_CHUNK_MAX_TOKENS: it is 256, and words takes at most 64 tokens"),
    ],
)
def test_what_no_model_can_do_is_refused_by_name(said: dict[str, OptionValue], message: str) -> None:
    """A model that there is not, and more tokens than it takes, are refused where they stand: option or setting."""
    with pytest.raises(ConfigurationError) as refused:
        chunk(document(section("A text.")), **said)

    assert str(refused.value).endswith(message)
