"""`medkg rollout status` shows both versions."""

import pytest
from medkg_cli.output import PIPE_WIDTH
from medkg_cli.rollout import rollout_view
from medkg_contracts.data import VersionFigures
from medkg_ledger import RolloutState
from medkg_operations.rollouts import RolloutStatus
from rich.console import Console

OLD = VersionFigures(digest="a" * 64, jobs=200, failed=1, p50_ms=900.0, p95_ms=1500.0)
NEW = VersionFigures(digest="b" * 64, jobs=40, failed=4, p50_ms=800.0, p95_ms=4000.0)


def shown(*, reverted: str | None = None, ended: bool = False) -> str:
    state = RolloutState(new=NEW.digest, old=OLD.digest, percent=10, reverted=reverted)
    console = Console(width=PIPE_WIDTH)
    with console.capture() as capture:
        console.print(rollout_view(RolloutStatus(pipeline="trials", rollout=state, ended=ended, old=OLD, new=NEW)))
    return capture.get()


def test_both_versions_figures_are_shown():
    """Each version has its digest, jobs, error rate and percentiles."""
    lines = [" ".join(line.split()) for line in shown().splitlines()]
    assert "old aaaaaaaaaaaa 200 0.5% 900 ms 1.5 s" in lines
    assert "new bbbbbbbbbbbb 40 10.0% 800 ms 4.0 s" in lines


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "10 % of the new jobs take the new version"),
        ({"reverted": "10.0 % failed"}, "new jobs take the old version again: 10.0 % failed"),
        ({"ended": True}, "the rollout has ended"),
    ],
)
def test_how_it_stands_is_said(facts, words):
    """The first line says for whom the new version is, or why it is for nobody."""
    assert words in shown(**facts)
