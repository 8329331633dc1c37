"""Gives an order as a command does: sends it, waits for the router's answer, prints it, ends with its exit code."""

from collections.abc import Sequence
from typing import Annotated

import typer
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.settings import Settings
from medkg_operations.control import Answer, give
from medkg_operations.requests import publish
from rich.text import Text

from .exits import ExitCode, fail, run
from .output import coloured, print_json, show

ReasonOption = Annotated[str, typer.Option(help="Why, for those who read the events.")]
ByOption = Annotated[str | None, typer.Option(help="Who orders it; else the login name.")]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the router's answer.")]
TimeoutOption = Annotated[float, typer.Option(min=0, help="Seconds to wait for the router's answer.")]


def give_and_tell(
    settings: Settings, orders: Sequence[CloudEvent], *, wait: bool, timeout_s: float, json: bool
) -> None:
    """Give orders, tell what became of each, and end the command otherwise than well if one was not obeyed."""
    if not wait:
        run(publish(settings, orders, topics.CONTROL))
        data = [{"about": order.extensions["jobid"], "event_id": order.id} for order in orders]
        print_json(data) if json else typer.echo("ordered; `medkg events tail --since 1m` shows the answers")
        return
    end(run(give(settings, orders, timeout_s)), json=json)


def end(answers: Sequence[Answer], *, json: bool) -> None:
    """Tell what became of orders, and end the command otherwise than well if one was not obeyed."""
    if json:
        print_json([answer.data() for answer in answers])
    else:
        for answer in answers:
            show(answer_line(answer))
    if any(answer.kind is None for answer in answers):
        raise fail(ExitCode.FAILED)
    if not all(answer.obeyed for answer in answers):
        raise fail(ExitCode.REFUSED)


def answer_line(answer: Answer) -> Text:
    """What became of an order, in a line."""
    if answer.kind is None:
        why = ": no router answered in time; `medkg explain` and `medkg ps` show why. The order stands"
    elif answer.refusal is not None:
        why = f": {answer.refusal}"
    else:
        why = ": it is so already" if answer.result == "unchanged" else ""
    return Text.assemble(answer.about, " ", coloured(answer.result), why)
