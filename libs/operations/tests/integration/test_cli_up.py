"""`medkg up --scale` with a real service: what it starts, and what a later `medkg up` makes of it."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from medkg_stack import Stack

from libs.cli.tests.calling import REPOSITORY, medkg, medkg_json

pytestmark = pytest.mark.integration

PATIENCE_S = 30.0


@pytest.fixture(autouse=True)
def _here(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command's own folder, whose services are stopped at the end."""
    settings = {
        **stack.environment(),
        "MK_STACK_ROOT": str(tmp_path),
        "MK_TOPOLOGIES": str(REPOSITORY / "topologies"),
        "MK_ASYNCAPI": str(REPOSITORY / "asyncapi"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    stack.up(only=["kafka", "redis"])
    assert 0 == medkg("topics", "provision").exit_code
    yield
    medkg("down", "--only", "validate")


def up(*scale: str) -> list[str]:
    """Run `medkg up` for the one service; the processes of it that run then."""
    listed = medkg_json("up", "--only", "validate", *scale)
    return [each["name"] for each in listed if each["name"].startswith("validate") and each["running"]]


def until_shared(wanted: dict[str, int]) -> None:
    """Wait until each of these consumers has so many partitions, and no other has any."""
    deadline = monotonic() + PATIENCE_S
    shares: dict[str, int] = {}
    while shares != wanted:
        assert monotonic() < deadline, shares
        (stage,) = medkg_json("consumers", "validate")
        shares = {each["consumer"].partition("@")[0]: len(each["partitions"]) for each in stage["consumers"]}


def test_up_with_a_scale_and_without() -> None:
    """Scaling shares the partitions evenly; a later `up` keeps the number, also where one was killed."""
    three = ["validate-1", "validate-2", "validate-3"]
    assert three == up("--scale", "validate=3")
    until_shared(dict.fromkeys(three, 2))

    medkg("kill", "validate", "--replica", "2")
    assert three == up()

    assert three[:1] == up("--scale", "validate=1")
    until_shared({"validate-1": 6})
