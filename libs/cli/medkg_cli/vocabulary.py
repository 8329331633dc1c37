"""`medkg vocabulary`: builds vocabularies of what their publishers give away, and shows what they have."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import typer
from medkg_contracts.errors import ConfigurationError
from medkg_operations.vocabularies import (
    Built,
    Described,
    DescribedTerm,
    Neighbour,
    build_vocabulary,
    describe,
    describe_terms,
    open_vocabulary,
)
from medkg_vocabulary import FORMATS, About, Reading
from rich.console import RenderableType
from rich.text import Text

from .output import JsonOption, print_json, show, table
from .progress_bar import ProgressBar

#: So many children of a term are named.
CHILDREN_SHOWN: Final = 20

app = typer.Typer(no_args_is_help=True, help="Vocabularies of names: MeSH, the Disease Ontology, and your own.")


@app.command()
def build(  # noqa: PLR0913 - these are the options
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="Files, plain or compressed (gzip, xz).")],
    *,
    output: Annotated[Path, typer.Option(metavar="FILE", help="Where the vocabulary goes.")],
    name: Annotated[str, typer.Option(help="By which it is known, such as mondo.")],
    version: Annotated[str, typer.Option(help="Of the sources, such as 2026-03-03.")],
    licence: Annotated[str, typer.Option(help="Under which the names may be used, such as CC-BY-4.0.")],
    notice: Annotated[str, typer.Option(help="What the licence asks to be said.")] = "",
    format_: Annotated[
        str | None,
        typer.Option("--format", help=f"Of all sources: {', '.join(FORMATS)}; else what each shows."),
    ] = None,
    prefix: Annotated[str | None, typer.Option(help="Of ids that have none; else the name in upper case.")] = None,
    category: Annotated[str, typer.Option(help="Biolink's, of terms that do not say theirs.")] = "biolink:NamedThing",
    json: JsonOption = False,
) -> None:
    """Compile files into one vocabulary: OBO, OBO Graphs (JSON), OWL (RDF/XML), MeSH's XML, tables.

    medkg vocabulary build mondo.obo --output mondo.vocabulary --name mondo --version 2026-03-03 --licence CC-BY-4.0
    """
    if format_ is not None and format_ not in FORMATS:
        raise ConfigurationError(
            f"{format_!r} is no format of vocabularies", remedy=f"Name one of these: {', '.join(FORMATS)}."
        )
    about = About(name, version, licence, ", ".join(source.name for source in sources), notice)
    reading = Reading(prefix or name.upper(), category)
    with ProgressBar("terms read") as bar:
        built = build_vocabulary(sources, output, about, reading, format_, bar.show)
    if json:
        print_json(built)
    else:
        show(*built_view(built))


@app.command("show")
def show_vocabulary(
    vocabulary: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A vocabulary's file, or mesh or doid.")],
    term: Annotated[str | None, typer.Argument(metavar="[TERM]", help="A term's id, or one of its names.")] = None,
    *,
    json: JsonOption = False,
) -> None:
    """Show what a vocabulary is and how much it has, or what it says of a term.

    medkg vocabulary show mesh asthma
    """
    with closing(open_vocabulary(vocabulary)) as opened:
        if term is None:
            described = describe(opened)
            if json:
                print_json(described)
            else:
                show(*described_view(described))
            return
        terms = describe_terms(opened, term)
    if json:
        print_json(terms)
    else:
        show(*(line for each in terms for line in term_view(each)))


def built_view(built: Built) -> Iterator[RenderableType]:
    """What was built, for people."""
    for source in built.sources:
        yield Text(f"{source.path}: read as {source.format}", style="dim")
    yield Text(f"{built.path}: {built.compiled.terms:,} terms, {built.compiled.names:,} names")
    yield Text(f"digest {built.digest}")


def described_view(described: Described) -> Iterator[RenderableType]:
    """What a vocabulary is, for people."""
    about, counts = described.about, described.counts
    yield Text(f"{about.name} {about.version}", style="bold")
    yield Text(f"licence: {about.licence}")
    yield Text(f"source: {about.source}")
    if about.notice:
        yield Text(about.notice)
    yield Text(f"file: {described.path}")
    yield Text(f"digest: {described.digest}")
    yield table(
        "terms",
        ("category", "terms"),
        ((category.removeprefix("biolink:"), f"{count:,}") for category, count in counts.categories.items()),
        numbers=("terms",),
    )
    yield table(
        "names",
        ("scope", "names"),
        ((scope, f"{count:,}") for scope, count in counts.scopes.items()),
        numbers=("names",),
    )


def term_view(term: DescribedTerm) -> Iterator[RenderableType]:
    """What a vocabulary says of a term, for people."""
    yield Text.assemble((term.id, "bold"), f" {term.name} ({term.category.removeprefix('biolink:')})")
    for scope, names in term.names.items():
        yield Text(f"  {scope}: {' · '.join(names)}")
    if term.parents:
        yield Text(f"  above: {_named(term.parents)}")
    if term.children:
        more = f" and {len(term.children) - CHILDREN_SHOWN} more" if len(term.children) > CHILDREN_SHOWN else ""
        yield Text(f"  below: {_named(term.children[:CHILDREN_SHOWN])}{more}; {term.descendants:,} in all")
    if term.xrefs:
        yield Text(f"  elsewhere: {', '.join(term.xrefs)}")
    if term.former:
        yield Text(f"  formerly: {', '.join(term.former)}")


def _named(terms: tuple[Neighbour, ...]) -> str:
    return " · ".join(f"{each.id} {each.name}".strip() for each in terms)
