"""Where the command finds its servers."""

from pathlib import Path

import pytest
from medkg_cli.settings import CliSettings, load_settings


def test_settings_come_from_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What `medkg up` wrote into .env is found by the next command in that folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MK_KAFKA", raising=False)
    (tmp_path / ".env").write_text("MK_KAFKA=127.0.0.1:19092\nMK_REPLAY_PORT=18765\n")
    settings = load_settings()
    assert ("127.0.0.1:19092", "http://127.0.0.1:18765") == (settings.kafka, settings.replay_url)


def test_the_env_file_may_begin_with_a_byte_order_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The first setting of a file that an editor began with such a mark is as good as the others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MK_KAFKA", raising=False)
    (tmp_path / ".env").write_text("MK_KAFKA=127.0.0.1:19092\n", encoding="utf-8-sig")
    assert "127.0.0.1:19092" == load_settings().kafka


def test_the_environment_wins_over_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A variable of the environment is for one call what .env is for all."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("MK_KAFKA=127.0.0.1:19092\n")
    monkeypatch.setenv("MK_KAFKA", "127.0.0.1:29092")
    assert "127.0.0.1:29092" == load_settings().kafka


def test_a_program_can_give_settings_by_name(tmp_path: Path):
    """Programs that use the command's parts give its settings by their own names."""
    assert tmp_path == CliSettings(_env_file=None, asyncapi=tmp_path).asyncapi
