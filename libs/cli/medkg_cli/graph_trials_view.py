"""What was tried for a condition, for people: trials, what they tried, and their results."""

from collections.abc import Iterator, Sequence
from typing import Final

from medkg_graph.trials import Comparison, Measured, Outcome, Tried, TriedIn
from rich.console import RenderableType
from rich.text import Text

from .graph_evidence_view import indented, places, result_words
from .graph_view import node_line

#: Outcomes that are shown of a trial, and results of each; the JSON has all.
OUTCOMES: Final = 4
RESULTS: Final = 3


def tried_view(tried: Tried, skipped: int = 0) -> Iterator[RenderableType]:
    """The condition, then each trial with what it tried and what it found."""
    yield node_line(tried.condition, f"{tried.total} trials" if tried.total != 1 else "1 trial")
    for trial in tried.trials:
        yield from trial_view(trial)
    if tried.more:
        yield Text(
            f"there are {tried.total - skipped - len(tried.trials)} more trials: "
            f"--skip {skipped + len(tried.trials)}, or a larger --limit",
            style="dim",
        )


def trial_view(trial: TriedIn) -> Iterator[RenderableType]:
    """A trial: how far it is, what was tried, and its outcomes."""
    about = [*([", ".join(trial.phases)] if trial.phases else []), trial.status.lower().replace("_", " ")]
    about += [f"{trial.enrollment} people"] if trial.enrollment is not None else []
    about += [f"until {trial.completion_date}"] if trial.completion_date else []
    yield Text()
    yield Text.assemble((trial.id.removeprefix("CLINICALTRIALS:"), "bold"), f"  {trial.name}")
    yield indented(Text(" · ".join(filter(None, about)), style="dim"), 2)
    tried = "; ".join(f"{each.name} ({each.kind.lower()})" if each.kind else each.name for each in trial.interventions)
    yield indented(Text(f"tried: {tried or 'nothing that is registered'}"), 2)
    for outcome in trial.outcomes[:OUTCOMES]:
        yield from _outcome(outcome)
    if (left := len(trial.outcomes) - OUTCOMES) > 0:
        yield indented(Text(f"and {left} outcomes more: --json has all", style="dim"), 2)
    if not trial.outcomes:
        yield indented(Text("no results are posted", style="dim"), 2)


def _outcome(outcome: Outcome) -> Iterator[RenderableType]:
    frame = f"  {outcome.time_frame}" if outcome.time_frame else ""
    yield indented(Text.assemble((f"{outcome.kind}: ", "dim"), outcome.name, (frame, "dim")), 2)
    results: Sequence[Comparison | Measured] = outcome.comparisons or outcome.measured
    for each in results[:RESULTS]:
        said = comparison_text(each) if isinstance(each, Comparison) else measured_text(each)
        yield indented(Text(said, style="green" if isinstance(each, Comparison) else ""), 6)
        yield from (indented(place, 8) for place in places(each.evidence[:1]))
    if (left := len(results) - RESULTS) > 0:
        yield indented(Text(f"and {left} more", style="dim"), 6)


def comparison_text(result: Comparison) -> str:
    """``OMicro vs SJet · Mean Difference -1.89 (95 % CI -4.05 to 0.27) · p 0.05 · t-test, 2 sided``."""
    said = result.model_dump(exclude={"evidence", "p_value"}, exclude_none=True) | {"p_value_text": result.p_value}
    return " · ".join([*result_words(said), *filter(None, [result.method])])


def measured_text(result: Measured) -> str:
    """``pregabalin: 3.1 (0.5) points, MEAN``."""
    part = f", {result.part}" if result.part else ""
    spread = f" ({result.spread})" if result.spread else ""
    unit = f" {result.unit}" if result.unit else ""
    statistic = f", {result.statistic.lower().replace('_', ' ')}" if result.statistic else ""
    return f"{result.group}{part}: {result.value}{spread}{unit}{statistic}"
