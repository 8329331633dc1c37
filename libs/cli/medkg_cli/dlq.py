"""`medkg dlq`: looks at dead letters, gives them another try, or puts them aside."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from time import time
from typing import Annotated, Final

import typer
from medkg_contracts import topics
from medkg_contracts.dlq import DeadLetterEntry
from medkg_contracts.orders import Order
from medkg_contracts.records import Place
from medkg_contracts.settings import Settings
from medkg_operations.deadletters.queues import (
    find_dead_letter,
    read_dead_letters,
    tasks_of_discard,
    tasks_of_redrive,
)
from medkg_operations.deadletters.redrive import RedriveOptions, Task
from medkg_operations.deadletters.redriver import deal_with
from medkg_operations.deadletters.selection import DeadLetterFilter, summary
from medkg_topology.duration import parse_duration

from .exits import ExitCode, fail, run
from .identity import SOURCE, login
from .letter_view import letter_data, letter_view, letters_view, outcomes_view, summary_view, tasks_view, value_data
from .order_command import ByOption, ReasonOption, TimeoutOption
from .output import JsonOption, print_json, say, show
from .progress_bar import ProgressBar
from .settings import load_settings

#: What takes time before anything is done.
READING: Final = "records of dead-letter queues read"

#: More letters than this are not dealt with unless somebody has agreed.
UNASKED: Final = 10

app = typer.Typer(no_args_is_help=True, help="Dead letters: records that could not be processed.")

LettersArgument = Annotated[
    list[str] | None, typer.Argument(metavar="LETTER", help="Where they stand: topic/partition@offset.")
]
StageOption = Annotated[str | None, typer.Option(help="Only those of this stage's service, or of the router.")]
TopicOption = Annotated[str | None, typer.Option(help="Only those on this topic, such as parse.dlq.v1.")]
CodeOption = Annotated[str | None, typer.Option(help="Only those with this error code.")]
JobOption = Annotated[str | None, typer.Option(help="Only this job's.")]
TenantOption = Annotated[str | None, typer.Option(help="Only this tenant's.")]
SinceOption = Annotated[
    str | None, typer.Option(metavar="WHEN", help="Only newer ones: 2h (ago) or 2026-11-21T08:00:00Z.")
]
UntilOption = Annotated[str | None, typer.Option(metavar="WHEN", help="Only older ones; the same.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="At most so many.")]
AllOption = Annotated[bool, typer.Option("--all", help="All open letters that the filters fit.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
YesOption = Annotated[bool, typer.Option("--yes", help=f"Do not ask before dealing with more than {UNASKED} letters.")]


@app.command("list")
def list_letters(  # noqa: PLR0913 - these are the options
    *,
    stage: StageOption = None,
    topic: TopicOption = None,
    code: CodeOption = None,
    job: JobOption = None,
    tenant: TenantOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the newest.")] = 50,
    closed: Annotated[bool, typer.Option("--closed", help="Redriven and discarded ones too.")] = False,
    json: JsonOption = False,
) -> None:
    """List the open letters of all dead-letter queues: how many of each kind, then each."""
    wanted = filters(stage, topic, code, job, tenant, since, until)
    with ProgressBar(READING) as bar:
        letters = run(read_dead_letters(load_settings(), wanted, lambda _: False, bar.show))
    found = letters.all() if closed else letters.open()
    shown = found[::-1][:limit]
    if json:
        counts = [{"topic": name, "code": code, "letters": count} for (name, code), count in summary(found).items()]
        print_json(
            {"summary": counts, "letters": [letter_data(one) for one in shown], "unreadable": letters.unreadable}
        )
        return
    if not found:
        typer.echo("no dead letters" if closed else "no open dead letters")
    else:
        show(summary_view(found), "", letters_view(shown))
    if len(shown) < len(found):
        say(f"{len(found) - len(shown)} more; give a filter or a greater --limit")
    if letters.unreadable:
        say(f"{letters.unreadable} records of the queues are no dead letters and are left out")


@app.command("show")
def show_letter(
    letter: Annotated[str, typer.Argument(metavar="LETTER", help="Where it stands: topic/partition@offset.")],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Write the record's value as it is, and nothing else.")] = False,
    json: JsonOption = False,
) -> None:
    """Show one letter: the error and its remedy, the job, the record's headers and value."""
    if raw and json:
        raise typer.BadParameter("--raw and --json exclude each other")
    entry = run(_find(load_settings(), place_of(letter)))
    value = entry.letter.original.value
    if raw:
        sys.stdout.buffer.write(value or b"")
    elif json:
        print_json({**letter_data(entry), "value": value_data(value)})
    else:
        show(letter_view(entry))


@app.command()
def redrive(  # noqa: PLR0913 - these are the options
    letters: LettersArgument = None,
    *,
    all_: AllOption = False,
    stage: StageOption = None,
    topic: TopicOption = None,
    code: CodeOption = None,
    job: JobOption = None,
    tenant: TenantOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    latest: Annotated[
        bool, typer.Option("--latest", help="Jobs go on with the newest version of their topology.")
    ] = False,
    rate: Annotated[float | None, typer.Option(min=0.01, help="At most so many letters a second.")] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    reason: ReasonOption = "",
    by: ByOption = None,
    timeout: TimeoutOption = 30.0,
    json: JsonOption = False,
) -> None:
    """Give letters another try: a job that failed goes on where it failed; any other record is sent again as it was.

    medkg dlq redrive --stage parse --code timeout --all --dry-run
    """
    wanted = selection(letters, filters(stage, topic, code, job, tenant, since, until), all_=all_)
    options = RedriveOptions(Order(by=by or login(), reason=reason), SOURCE, latest, rate, timeout)
    settings = load_settings()
    with ProgressBar(READING) as bar:
        tasks = run(tasks_of_redrive(settings, wanted, limit, bar.show, latest=latest))
    _deal_with(settings, tasks, options, dry_run=dry_run, yes=yes, json=json)


@app.command()
def discard(  # noqa: PLR0913 - these are the options
    letters: LettersArgument = None,
    *,
    all_: AllOption = False,
    stage: StageOption = None,
    topic: TopicOption = None,
    code: CodeOption = None,
    job: JobOption = None,
    tenant: TenantOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    rate: Annotated[float | None, typer.Option(min=0.01, help="At most so many letters a second.")] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    reason: ReasonOption = "",
    by: ByOption = None,
    json: JsonOption = False,
) -> None:
    """Put letters aside: nothing more is done about them. They stay where they are, and `list --closed` shows them.

    medkg dlq discard parse.dlq.v1/3@17 --reason "a test record"
    """
    wanted = selection(letters, filters(stage, topic, code, job, tenant, since, until), all_=all_)
    options = RedriveOptions(Order(by=by or login(), reason=reason), SOURCE, rate=rate)
    settings = load_settings()
    with ProgressBar(READING) as bar:
        tasks = run(tasks_of_discard(settings, wanted, limit, bar.show))
    _deal_with(settings, tasks, options, dry_run=dry_run, yes=yes, json=json)


def filters(
    stage: str | None, topic: str | None, code: str | None, job: str | None, tenant: str | None,
    since: str | None, until: str | None,
) -> DeadLetterFilter:  # fmt: skip
    """The letters that the options fit."""
    if stage is not None and topic is not None:
        raise typer.BadParameter("--stage and --topic exclude each other")
    return DeadLetterFilter(
        topic=topics.dlq(stage) if stage is not None else topic,
        code=code,
        job=job,
        tenant=tenant,
        since=when("--since", since),
        until=when("--until", until),
    )


def selection(letters: Sequence[str] | None, filtered: DeadLetterFilter, *, all_: bool) -> DeadLetterFilter:
    """The letters that are named one by one, or else all that the filters fit."""
    if letters:
        if all_ or filtered != DeadLetterFilter():
            raise typer.BadParameter("letters that are named one by one need neither --all nor a filter")
        return DeadLetterFilter(places=frozenset(map(place_of, letters)))
    if not all_:
        raise typer.BadParameter("name letters, or say --all for all that the filters fit")
    return filtered


def place_of(text: str) -> Place:
    """The place that a person names."""
    try:
        return Place.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; `medkg dlq list` shows them") from error


def when(option: str, text: str | None) -> int | None:
    """Milliseconds since 1970-01-01 UTC of a duration before now, or of an RFC 3339 time."""
    if text is None:
        return None
    try:
        return round((time() - parse_duration(text)) * 1000)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option} {text!r} is neither like 30m, 2h or 1d nor 2026-11-21T08:00:00Z") from error
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


async def _find(settings: Settings, place: Place) -> DeadLetterEntry:
    entry, error = await find_dead_letter(settings, place, lambda _: None)
    if error is not None:
        say(f"the record itself cannot be shown: {error}")
    return entry


def _deal_with(
    settings: Settings, tasks: Sequence[Task], options: RedriveOptions, *, dry_run: bool, yes: bool, json: bool
) -> None:
    if dry_run:
        data = [{"letter": str(task.letter.place), "action": task.action, "detail": task.detail} for task in tasks]
        print_json(data) if json else show(tasks_view(tasks))
        return
    count = sum(task.action != "skip" for task in tasks)
    if count > UNASKED and not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter(f"{count} letters without a terminal to ask at need --yes")
        typer.confirm(f"Deal with {count} letters?", abort=True)
    with ProgressBar("letters dealt with") as bar:
        outcomes = run(deal_with(settings, tasks, options, lambda done: bar.show(done, len(tasks))))
    if json:
        print_json([{"letter": str(one.letter.place), "result": one.result, "detail": one.detail} for one in outcomes])
    elif outcomes:
        show(outcomes_view(outcomes))
    else:
        typer.echo("no open dead letters")
    if not all(outcome.good for outcome in outcomes):
        raise fail(ExitCode.FAILED)
