from pathlib import Path

import pytest
from medkg_stack import account


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder that only its owner enters, as root's home is."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    return folder


def test_a_private_folder_is_not_enterable(closed: Path) -> None:
    """A folder inside one that is closed to others cannot be reached by them, whatever its own mode."""
    (closed / "open").mkdir(mode=0o755)

    assert not account.enterable(closed / "open")


def test_root_keeps_data_elsewhere_when_its_folder_is_closed(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started by root in a closed folder, the server that drops root keeps its data under /var/lib."""
    monkeypatch.setattr(account, "is_root", lambda: True)

    assert account.SHARED_DATA == account.data_folder(closed / "opensearch").parent


def test_two_closed_folders_have_two_places(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stacks in different folders do not share data under /var/lib."""
    monkeypatch.setattr(account, "is_root", lambda: True)

    assert account.data_folder(closed / "a" / "opensearch") != account.data_folder(closed / "b" / "opensearch")


def test_others_keep_what_they_asked_for(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is not root runs the server as themselves, on their own folders."""
    monkeypatch.setattr(account, "is_root", lambda: False)

    assert (closed / "data", closed / "cache", []) == (
        account.data_folder(closed / "data"),
        account.cache_folder(closed / "cache"),
        account.drop(),
    )


def test_root_starts_it_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started by root, the command runs as nobody and in no group of root's."""
    monkeypatch.setattr(account, "is_root", lambda: True)

    assert ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] == account.drop()
