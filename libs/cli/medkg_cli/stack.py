"""`medkg up`, `down`, `ps`, `logs`, `restart`, `kill`: the stack of this machine."""

import os
from collections import deque
from collections.abc import Collection, Mapping
from pathlib import Path
from time import sleep
from typing import Annotated, Final

import typer
from medkg_contracts.errors import NotFound
from medkg_operations.topics import provision_topics
from medkg_stack import ServerStatus

from . import composed
from .exits import run
from .local import ENV_FILE, Local, check_names, read_names, read_scale, split, write_env
from .output import JsonOption, coloured, print_json, say, show, table
from .settings import load_settings

#: How often a followed log is looked at, in seconds.
LOOK_S: Final = 0.3

OnlyOption = Annotated[list[str] | None, typer.Option(metavar="NAME,…", help="Only these servers and services.")]
ServiceArgument = Annotated[str, typer.Argument(help="A server or service, such as kafka or chunk.")]


def up(
    *,
    only: OnlyOption = None,
    scale: Annotated[
        list[str] | None, typer.Option(metavar="SERVICE=N", help="So many of a service; holds until it is stopped.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Start the servers, the topics and the services, and wait until they are ready."""
    settings = load_settings()
    names, counts = read_names(only or ()), read_scale(scale or ())
    if settings.stack == "compose":
        composed.up(settings, names, counts)
        say("ready; `docker compose ps` shows what runs, `docker compose run --rm medkg` is the command in there.")
        return
    local = Local(settings, say)
    start(local, names, counts)
    if json:
        print_json(_status_data(local))
    else:
        show(f"ready; the settings stand in {ENV_FILE}. `medkg ps` shows what runs, `medkg down` stops it.")


def start(local: Local, only: Collection[str] | None, scale: Mapping[str, int]) -> None:
    """Start what is named, or everything; what runs is left as it is."""
    servers, services = split(None if only is None else {*only, *scale})
    if servers is None or servers:
        local.stack.up(servers)
    if added := write_env(ENV_FILE, local.environment):
        say(f"{ENV_FILE}: added {', '.join(added)}")
    if servers is None or "kafka" in servers or services:
        done = run(provision_topics(local.settings, local.settings.asyncapi, say))
        say(f"topics: {len(done.topics)}, {len(done.created)} of them new")
    if services is None or services:
        local.services.start(services, scale)
        for name, count in scale.items():
            local.services.scale(name, count)


def down(
    *,
    only: OnlyOption = None,
    wipe: Annotated[bool, typer.Option("--wipe", help="Delete the servers' data and the artifacts too.")] = False,
    json: JsonOption = False,
) -> None:
    """Stop the services and the servers; their data stay unless --wipe is said."""
    names = read_names(only or ())
    if wipe and names is not None:
        raise typer.BadParameter("--wipe deletes everything: data of one server alone would contradict the others'")
    settings = load_settings()
    if settings.stack == "compose":
        composed.down(settings, names, wipe=wipe)
        return
    local = Local(settings, say)
    servers, services = split(names)
    if services is None or services:
        local.services.stop(services)
    if wipe:
        local.stack.wipe()
        local.wipe_artifacts()
    elif servers is None or servers:
        local.stack.down(servers)
    if json:
        print_json(_status_data(local))


def ps(*, json: JsonOption = False) -> None:
    """List the processes of this machine's stack."""
    local = Local(load_settings(), say)
    if json:
        print_json(_status_data(local))
        return
    rows = [
        (
            line.name,
            coloured("running" if line.running else "stopped"),
            str(line.pid or ""),
            line.address,
            str(line.log),
        )
        for line in local.status()
    ]
    show(table(None, ("name", "state", "pid", "address", "log"), rows, numbers=("pid",)))


def logs(
    service: ServiceArgument,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, help="Begin with so many of the last lines.")] = 100,
    json: JsonOption = False,
) -> None:
    """Print the end of a server's or service's log (the services log JSON lines)."""
    file = Local(load_settings(), say).log(service)
    if json:
        print_json({"log": str(file), "lines": last_lines(file, lines)})
        return
    for line in last_lines(file, lines):
        typer.echo(line)
    if follow:
        _follow(file)


def restart(service: ServiceArgument, *, json: JsonOption = False) -> None:
    """Stop a server or service in good order, and start it again."""
    check_names([service])
    local = Local(load_settings(), say)
    server = local.server(service)
    if server is not None:
        server.stop()
        server.start()
        say(f"{service}: restarted")
    else:
        local.services.restart(service)
    if json:
        print_json(_status_data(local))


def kill(
    service: ServiceArgument,
    *,
    replica: Annotated[int, typer.Option(min=1, help="Which process of a service.")] = 1,
    json: JsonOption = False,
) -> None:
    """End a server or service as a crash would (SIGKILL), to try what happens then."""
    check_names([service])
    local = Local(load_settings(), say)
    server = local.server(service)
    lines = [line for line in local.services.status() if line.name == f"{service}-{replica}"]
    if not any(line.running for line in (server.status() if server else lines)):
        raise NotFound(f"there is no running {service}", remedy="`medkg ps` shows what runs.")
    if server is None:
        local.services.kill(service, replica)
    else:
        server.kill()
        say(f"{service}: killed")
    if json:
        print_json(_status_data(local))


def last_lines(file: Path, count: int) -> list[str]:
    """The last lines of a file."""
    with file.open(errors="replace") as stream:
        return [line.rstrip("\n") for line in deque(stream, maxlen=count)]


def _follow(file: Path) -> None:
    """Print what is added to a file; a file that was replaced, as at a restart, is read from its beginning."""
    stream = file.open(errors="replace")
    stream.seek(0, 2)
    while True:
        if text := stream.read():
            typer.echo(text, nl=False)
        elif file.exists() and file.stat().st_ino != _inode(stream.fileno()):
            stream.close()
            stream = file.open(errors="replace")
        else:
            sleep(LOOK_S)


def _inode(descriptor: int) -> int:
    return os.fstat(descriptor).st_ino


def _state(line: ServerStatus) -> str:
    return "running" if line.running else "stopped"


def _status_data(local: Local) -> list[dict[str, object]]:
    return [
        {"name": line.name, "running": line.running, "pid": line.pid, "address": line.address, "log": str(line.log)}
        for line in local.status()
    ]
