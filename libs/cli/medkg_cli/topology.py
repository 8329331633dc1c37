"""`medkg topology`: looks at topologies, checks them, compares them."""

from pathlib import Path
from typing import Annotated

import typer
from medkg_contracts.errors import ConfigurationError, TopologyUnknown
from medkg_contracts.topics import CONTROL
from medkg_operations.requests import publish, reload_event
from medkg_topology import schema as schemas
from medkg_topology.catalog import Catalog, lint
from medkg_topology.changes import Loaded, Refused
from medkg_topology.drawing import drawing, mermaid
from medkg_topology.plan import Plan
from medkg_topology.problems import Problem, refusal
from medkg_topology.render import plan_data, plan_difference, plan_text
from medkg_topology.snapshot import ADMISSION_FILE, POLICIES_FILE, load_policies, load_topology

from .exits import ExitCode, fail, run
from .identity import SOURCE
from .output import JsonOption, coloured, print_json, show, table
from .settings import load_settings

app = typer.Typer(no_args_is_help=True, help="The pipelines as data.")

#: Files of the folder that are no topologies.
_SETTINGS = frozenset({POLICIES_FILE, ADMISSION_FILE})

NameArgument = Annotated[
    str, typer.Argument(metavar="TOPOLOGY", help="A name, name@YYYY-MM-DD for a frozen version, or a file.")
]


@app.command("list")
def list_topologies(*, json: JsonOption = False) -> None:
    """List the topologies of the folder, the refused ones included."""
    catalog = Catalog(load_settings().topologies)
    rows = [_row(catalog, status) for status in catalog.status() if Path(status.file).name not in _SETTINGS]
    if json:
        print_json(rows)
        return
    columns = ("topology", "version", "digest", "stages", "sources", "state", "file")
    cells = [[coloured(row[name]) if name == "state" else row[name] for name in columns] for row in rows]
    show(table(None, columns, cells))


@app.command("reload")
def reload_topologies(*, json: JsonOption = False) -> None:
    """Ask the router to read the folder again now, where it cannot watch the files itself."""
    event = reload_event(SOURCE)
    run(publish(load_settings(), [event], CONTROL))
    if json:
        print_json({"event": event.id, "topic": CONTROL})
    else:
        typer.echo("asked; `medkg events tail --since 1m` shows topology.loaded and topology.refused")


@app.command("lint")
def lint_topologies(
    folder: Annotated[Path | None, typer.Argument(help="A folder of topologies; else the one of the settings.")] = None,
    *,
    json: JsonOption = False,
) -> None:
    """Check every file; each problem names file, line, field and remedy."""
    checked = folder or load_settings().topologies
    if not checked.is_dir():
        raise ConfigurationError(
            f"there is no folder {checked}", remedy="Name a folder that has policies.yaml and pipelines/*.yaml."
        )
    problems = lint(checked)
    if json:
        print_json([_fields(problem) for problem in problems])
    elif problems:
        for problem in problems:
            typer.echo(str(problem))
    else:
        typer.echo(f"{checked}: {len(Catalog(checked).plans)} topologies, nothing wrong")
    if problems:
        raise fail(ExitCode.REFUSED)


@app.command()
def render(name: NameArgument, *, json: JsonOption = False) -> None:
    """Show the effective plan: each stage with its topics, artifacts and policy."""
    folder = load_settings().topologies
    plan = find_plan(name, folder)
    rollout = Catalog(folder).rollouts.get(name)
    if json:
        print_json(plan_data(plan, rollout))
    else:
        typer.echo(plan_text(plan, rollout), nl=False)


@app.command()
def graph(
    name: NameArgument,
    *,
    as_mermaid: Annotated[bool, typer.Option("--mermaid", help="As a Mermaid flowchart, for documents.")] = False,
    json: JsonOption = False,
) -> None:
    """Draw the plan."""
    plan = find_plan(name, load_settings().topologies)
    if json:
        edges = [[need, node.name] for node in plan.nodes for need in node.depends_on]
        print_json({"nodes": [{"name": node.name, "kind": node.kind} for node in plan.nodes], "edges": edges})
    else:
        typer.echo(mermaid(plan) if as_mermaid else drawing(plan), nl=False)


@app.command()
def schema(
    file: Annotated[str, typer.Argument(help=f"One of {', '.join(schemas.SCHEMA_FILES)}.")] = "topology.json",
    *,
    write: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write all schemas into this folder.")] = None,
    json: JsonOption = False,
) -> None:
    """Print the JSON Schema of the YAML files, for editors."""
    if write is not None:
        paths = [str(path) for path in schemas.write_schemas(write)]
        print_json(paths) if json else typer.echo("\n".join(paths))
        return
    if file not in schemas.SCHEMA_FILES:
        raise typer.BadParameter(f"{file!r} is none of {', '.join(schemas.SCHEMA_FILES)}")
    typer.echo(schemas.schema_text(file), nl=False)


@app.command()
def diff(
    old: NameArgument,
    new: Annotated[str | None, typer.Argument(help="The same; else the current version of the old one's name.")] = None,
    *,
    json: JsonOption = False,
) -> None:
    """Say what is different between two versions.

    medkg topology diff clinical-trials@2026-11-21
    """
    folder = load_settings().topologies
    before = find_plan(old, folder)
    after = find_plan(new or before.name, folder)
    changes = plan_difference(before, after)
    if json:
        print_json({"old": before.ref, "new": after.ref, "changes": changes})
        return
    typer.echo(f"{before.ref} -> {after.ref}")
    typer.echo("\n".join(f"- {change}" for change in changes) or "no difference")


def find_plan(reference: str, folder: Path) -> Plan:
    """The plan that a person names.

    Args:
        reference: a topology's name, ``name@version`` for one of the folder's frozen versions, or a file.
        folder: with the current topologies.

    Raises:
        TopologyUnknown: there is none.
        TopologyInvalid: its file was refused.
    """
    if reference.endswith((".yaml", ".yml")):
        return _plan_of_file(Path(reference), folder)
    name, _, version = reference.partition("@")
    if not version:
        return Catalog(folder).resolve(name, "")
    frozen = folder / "versions" / version
    if not frozen.is_dir():
        known = ", ".join(sorted(path.name for path in frozen.parent.glob("*") if path.is_dir())) or "none"
        raise TopologyUnknown(f"there is no frozen version {version}; there are: {known}")
    return Catalog(frozen).resolve(name, "")


def _plan_of_file(file: Path, folder: Path) -> Plan:
    """A file's plan, with the policies that stand beside its folder or else the current ones."""
    if not file.is_file():
        raise TopologyUnknown(f"there is no file {file}", remedy="Name a file, or a topology of `medkg topology list`.")
    beside = file.absolute().parent.parent / POLICIES_FILE
    policies = load_policies(beside if beside.is_file() else folder / POLICIES_FILE)
    if policies.problems:
        raise refusal(policies.problems)
    return load_topology(file, policies.policies).require()


def _row(catalog: Catalog, status: Loaded | Refused) -> dict[str, str]:
    plan = catalog.plans.get(status.name)
    sources = [source for source, name in catalog.sources.items() if name == status.name]
    return {
        "topology": status.name,
        "version": plan.version if plan else "",
        "digest": plan.digest[:12] if plan else "",
        "stages": " ".join(node.name for node in plan.nodes) if plan else "",
        "sources": " ".join(sources),
        "state": "ok" if isinstance(status, Loaded) else "refused",
        "file": status.file,
    }


def _fields(problem: Problem) -> dict[str, object]:
    return {name: getattr(problem, name) for name in ("file", "line", "field", "message", "remedy")}
