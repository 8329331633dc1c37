"""Named policies: from ``policies.yaml`` to what a stage service applies, contradictions refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from medkg_contracts.policy import Policy
from pydantic import ValidationError

from .duration import format_duration
from .models import Policies, PolicyEntry
from .problems import Problem, in_line_order
from .source import Source
from .violations import shape_problems

#: No stage may keep a job longer than this with its attempts and waits.
LONGEST_S = 86_400.0


@dataclass(frozen=True, slots=True)
class CompiledPolicies:
    """The policies of a file, or why it was refused.

    Attributes:
        policies: by name; empty when there are problems.
        problems: in order of line.
    """

    policies: Mapping[str, Policy]
    problems: tuple[Problem, ...] = ()


def compile_policies(source: Source) -> CompiledPolicies:
    """The policies of a file."""
    problems = list(source.problems)
    if source.data is None:
        return CompiledPolicies({}, in_line_order(problems))
    try:
        Policies.model_validate(source.data)
    except ValidationError as error:
        problems.extend(shape_problems(error, source, Policies))
    policies: dict[str, Policy] = {}
    for name, entry in _sound_entries(source):
        problems.extend(_contradictions(source, name, entry))
        policies[name] = _effective(entry)
    return CompiledPolicies({} if problems else policies, in_line_order(problems))


def waits(policy: Policy) -> Iterator[float]:
    """The waits between the attempts, without their jitter."""
    for number in range(1, policy.attempts):
        match policy.backoff:
            case "none":
                yield 0.0
            case "linear":
                yield min(policy.initial_s * number, policy.max_s)
            case "exponential":
                yield min(policy.initial_s * 2.0 ** (number - 1), policy.max_s)


def worst_case_s(policy: Policy) -> float:
    """Seconds that a stage takes when each attempt times out and each jitter is the longest."""
    jitter = policy.jitter_s * (policy.attempts - 1)
    return policy.timeout_s * policy.attempts + sum(waits(policy)) + jitter


def _sound_entries(source: Source) -> Iterator[tuple[str, PolicyEntry]]:
    """The entries whose own shape is right, so that one bad policy does not hide the faults of another."""
    found = source.data.get("policies")
    for name, value in found.items() if isinstance(found, dict) else ():
        try:
            yield name, PolicyEntry.model_validate(value)
        except ValidationError:
            continue


def _effective(entry: PolicyEntry) -> Policy:
    return Policy(
        timeout_s=entry.timeout,
        attempts=entry.attempts,
        backoff=entry.backoff,
        initial_s=entry.initial,
        max_s=entry.max,
        jitter_s=entry.jitter,
    )


def _contradictions(source: Source, name: str, entry: PolicyEntry) -> Iterator[Problem]:
    def problem(field: str, message: str, remedy: str) -> Problem:
        return source.problem(("policies", name, field), message, remedy)

    yield from _too_long(source, name, entry)
    if entry.backoff == "none":
        for field in ("initial", "max", "jitter"):
            if getattr(entry, field) > 0:
                yield problem(
                    field,
                    f"backoff is none, so there is no wait that '{field}' could change",
                    f"Leave {field} out, or set backoff: linear or exponential.",
                )
        return
    if entry.attempts == 1:
        yield problem(
            "backoff",
            f"there is only one attempt, so backoff {entry.backoff} never waits",
            "Set backoff: none, or allow more attempts.",
        )
    if entry.initial == 0:
        yield problem(
            "initial",
            f"backoff {entry.backoff} from a first wait of 0 never waits",
            "Set initial, such as 1s, or backoff: none.",
        )
    if entry.initial > entry.max:
        first, longest = format_duration(entry.initial), format_duration(entry.max)
        yield problem("initial", f"the first wait {first} is longer than max {longest}", "Lower initial or raise max.")
    if entry.jitter > entry.max:
        jitter, longest = format_duration(entry.jitter), format_duration(entry.max)
        yield problem("jitter", f"jitter {jitter} is longer than max {longest}", "Lower jitter or raise max.")


def _too_long(source: Source, name: str, entry: PolicyEntry) -> Iterator[Problem]:
    total = worst_case_s(_effective(entry))
    if total > LONGEST_S:
        yield source.problem(
            ("policies", name, "attempts"),
            f"{entry.attempts} attempts of {format_duration(entry.timeout)} with their waits can take "
            f"{total / 3600:.1f} hours; at most 24 are allowed",
            "Lower attempts, timeout or max.",
        )
