"""The lists of services in pyproject.toml, and the tables of services in the documentation."""

from collections.abc import Iterator, Sequence

from medkg_contracts.services import ServiceKind

from .containers import memory
from .members import Member

#: The service that writes the ledger.
_ROUTER = "router"


def project_blocks(members: Sequence[Member]) -> dict[str, list[str]]:
    """The blocks of the root's pyproject.toml."""
    modules = [member.module for member in members]
    return {
        "dependencies": dependencies(members),
        "sources": [f"{member.package} = {{ workspace = true }}" for member in members],
        "mypy-path": [f'"services/{member.name}",' for member in members],
        "modules": [f'"{module}",' for module in modules],
        "layer": [f'"{" | ".join(["medkg_cli", *modules])}",'],
        "kafka-free": [f'"{module}",' for module in modules],
        "stages": [f'"{module}",' for module in sorted(set(_stage_modules(members)))],
        "readers": [f'"{member.module}",' for member in members if member.name != _ROUTER],
    }


def dependencies(members: Sequence[Member]) -> list[str]:
    """The packages of the services, as items of a list."""
    return [f'"{member.package}",' for member in members]


def readme_table(members: Sequence[Member]) -> list[str]:
    """What there is, for the README."""
    rows = [f"| [`{m.name}`](services/{m.name}/README.md) | {_kind(m)} | {m.service.description} |" for m in members]
    return ["", "| service | is | what it does |", "|---|---|---|", *rows, ""]


def container_table(members: Sequence[Member]) -> list[str]:
    """What runs in containers, for the guide."""
    rows = [
        f"| `{m.name}` | {m.service.description} | {', '.join(m.service.networks)} "
        f"| {memory(m.service.container_memory_mb).replace('G', ' GB').replace('M', ' MB')} |"
        for m in members
    ]
    return ["", "| service | what | networks | memory |", "|---|---|---|---|", *rows, ""]


def _kind(member: Member) -> str:
    match member.service.kind:
        case ServiceKind.STAGE:
            beside = ", ".join(f"`{stage.name}`" for stage in member.stages[1:])
            return f"a stage, with {beside}" if beside else "a stage"
        case ServiceKind.WORKER:
            return "a consumer"
        case ServiceKind.HTTP:
            return "an HTTP server"


def _stage_modules(members: Sequence[Member]) -> Iterator[str]:
    for member in members:
        for stage in member.stages:
            yield str(getattr(stage.stage, "__module__", member.module))
