"""The containers and the images of the services: their parts of docker-compose.yml, the bake file and build.sh."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from .members import Member

#: What ``x-service`` of docker-compose.yml says.
_NETWORKS: Final = ("events", "stores")
_MEMORY_MB: Final = 512
#: What the Dockerfile takes when it is not told.
_FOUNDATION: Final = "stagekit"


def compose_services(members: Sequence[Member]) -> list[str]:
    """The services of docker-compose.yml, an empty line between two."""
    lines: list[str] = []
    for member in members:
        lines += ["", *_compose_service(member)] if lines else _compose_service(member)
    return lines


def bake_items(members: Sequence[Member]) -> list[str]:
    """The items of the bake file's matrix."""
    return [
        f'{{ service = "{member.name}", target = "{member.service.image}", shared = "{member.foundation}", '
        f'package = "{member.package}", module = "{member.module}" }},'
        for member in members
    ]


def image_names(members: Sequence[Member]) -> list[str]:
    """The names in build.sh."""
    return [" ".join(member.name for member in members)]


def memory(mb: int) -> str:
    """A container's limit as Docker writes it."""
    return f"{mb // 1024}G" if mb % 1024 == 0 else f"{mb}M"


def _compose_service(member: Member) -> list[str]:
    service = member.service
    lines = [
        f"# {service.description}.",
        f"{service.name}:",
        "  <<: *service",
        f"  image: ${{MEDKG_IMAGES:-medkg}}/{service.name}:${{MEDKG_VERSION:-0.1.0}}",
        f"  build: {{<<: *build, target: {service.image}, args: {{{', '.join(_build_arguments(member))}}}}}",
    ]
    if service.networks != _NETWORKS:
        lines.append(f"  networks: [{', '.join(service.networks)}]")
    if service.port is not None:
        lines.append(f'  ports: ["127.0.0.1:${{{service.port_variable}:-{service.port}}}:{service.port}"]')
    lines += _environment(member)
    if _meets_others(member):
        lines.append("  depends_on: *after")
    lines.append("  healthcheck: *health")
    if service.container_memory_mb != _MEMORY_MB:
        limits = f'{{cpus: "1.0", memory: {memory(service.container_memory_mb)}}}'
        lines.append(f"  deploy: {{resources: {{limits: {limits}}}}}")
    return lines


def _build_arguments(member: Member) -> Iterator[str]:
    yield f"SERVICE: {member.name}"
    yield f"SOURCE: services/{member.name}"
    if member.foundation != _FOUNDATION:
        yield f"SHARED: {member.foundation}"
    if member.package != f"medkg-{member.name}":
        yield f"PACKAGE: {member.package}"
    if member.module != f"medkg_{member.name}":
        yield f"MODULE: {member.module}"


def _environment(member: Member) -> list[str]:
    service = member.service
    own = {name: json.dumps(value, ensure_ascii=False) for name, value in service.environment.items()}
    if service.port is not None:
        own = {service.host_variable: "0.0.0.0", service.port_variable: str(service.port)} | own  # noqa: S104
    if not _meets_others(member):
        return ["  environment:", *(f"    {name}: {value}" for name, value in own.items())] if own else []
    if not own:
        return ["  environment: *environment"]
    return ["  environment:", "    <<: *environment", *(f"    {name}: {value}" for name, value in own.items())]


def _meets_others(member: Member) -> bool:
    """Whether it talks to Kafka or Redis, which have to be there before it."""
    return bool({"events", "stores"} & set(member.service.networks))
