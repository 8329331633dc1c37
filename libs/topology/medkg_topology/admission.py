"""Admission settings: from ``admission.yaml`` to how much work the router lets into the stages' queues, and whose."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from .models import AdmissionSettings
from .problems import Problem, in_line_order, listed, suggestion
from .source import Source
from .violations import shape_problems

_USUAL = AdmissionSettings()


@dataclass(frozen=True, slots=True)
class Admission:
    """How much work the router lets into the stages' queues, and how tenants share it.

    Attributes:
        window: so many requests of a stage service are in its queue or at work at a time.
        windows: the same for single services, by name.
        weights: the shares of tenants, by id; a tenant that is not named has 1.
    """

    window: int = _USUAL.window
    windows: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CompiledAdmission:
    """What became of the file.

    Attributes:
        admission: None when the file was refused.
        problems: why, in order of line.
    """

    admission: Admission | None
    problems: tuple[Problem, ...] = ()


def compile_admission(source: Source, services: Collection[str] | None) -> CompiledAdmission:
    """The admission settings of a file.

    Args:
        source: the file.
        services: the stage services that topologies use. None when that is not known, since a topology cannot be
            read; then a window may name any service.
    """
    problems = list(source.problems)
    if source.data is None:
        return CompiledAdmission(None, in_line_order(problems))
    if services is not None:
        problems.extend(_unused(source, services))
    try:
        entry = AdmissionSettings.model_validate(source.data)
    except ValidationError as error:
        return CompiledAdmission(None, in_line_order([*problems, *shape_problems(error, source, AdmissionSettings)]))
    if problems:
        return CompiledAdmission(None, in_line_order(problems))
    weights = {tenant: share.weight for tenant, share in entry.tenants.items()}
    return CompiledAdmission(Admission(entry.window, entry.windows, weights))


def _unused(source: Source, services: Collection[str]) -> Iterator[Problem]:
    """A window of a service that no topology uses is a misspelt one: it would change nothing, unnoticed."""
    windows = source.data.get("windows")
    for service in windows if isinstance(windows, dict) else ():
        if service not in services:
            yield source.problem(
                ("windows", service),
                f"no topology uses a stage service '{service}'{suggestion(service, services)}",
                f"Use one of {listed(sorted(services))}, or leave it out.",
            )
