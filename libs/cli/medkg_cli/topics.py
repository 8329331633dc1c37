"""`medkg topics`: creates the topics that the deployment needs, and lists them."""

import typer
from medkg_operations.topics import describe_topics, provision_topics, state_of, wanted_topics

from .exits import run
from .output import JsonOption, coloured, print_json, say, show, table
from .settings import load_settings

app = typer.Typer(no_args_is_help=True, help="The Kafka topics of the deployment.")


@app.command()
def provision(*, json: JsonOption = False) -> None:
    """Create the topics that are missing, and wait until they can be used."""
    settings = load_settings()
    done = run(provision_topics(settings, settings.asyncapi, say))
    if json:
        names = [spec.name for spec in done.topics]
        print_json({"created": done.created, "altered": done.altered, "topics": names})
    else:
        for name in done.created:
            typer.echo(f"created {name}")
        for name in done.altered:
            typer.echo(f"altered {name}: Kafka dates its records from now on, not who writes them")
        typer.echo(f"{len(done.topics)} topics, {len(done.created)} of them new")


@app.command("list")
def list_topics(*, json: JsonOption = False) -> None:
    """List the topics that the deployment needs, and how Kafka has them."""
    settings = load_settings()
    specs = wanted_topics(settings.asyncapi, settings.topologies, say)
    found = run(describe_topics(settings))
    if json:
        print_json(
            [{"topic": spec.name, "partitions": spec.partitions, "state": state_of(spec, found)} for spec in specs]
        )
        return
    rows = [
        (
            spec.name,
            str(found[spec.name].partitions) if spec.name in found else "",
            str(found[spec.name].replicas) if spec.name in found else "",
            coloured(state_of(spec, found)),
        )
        for spec in specs
    ]
    show(table(None, ("topic", "partitions", "replicas", "state"), rows, numbers=("partitions", "replicas")))
