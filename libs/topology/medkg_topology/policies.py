"""Named policies: from ``policies.yaml`` to what a stage service applies, contradictions refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from medkg_contracts.policy import Breaker, Policy, RateLimit
from pydantic import ValidationError

from .duration import format_duration
from .models import Policies, PolicyEntry
from .problems import Problem, in_line_order
from .source import Source
from .violations import shape_problems

#: No stage may keep a job longer than this with its attempts and waits.
LONGEST_S = 86_400.0

#: A field of a policy, what is wrong with it, and the remedy.
Fault = tuple[str, str, str]


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
        policies[name] = _effective(name, entry)
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
    """Seconds that a stage takes when each attempt times out and each jitter is the longest.

    What others do is not counted: the job has the rate to itself, and the breaker stays closed.
    """
    pace = _interval_s(policy) - policy.timeout_s
    return policy.timeout_s * policy.attempts + sum(max(wait + policy.jitter_s, pace) for wait in waits(policy))


def _sound_entries(source: Source) -> Iterator[tuple[str, PolicyEntry]]:
    """The entries whose own shape is right, so that one bad policy does not hide the faults of another."""
    found = source.data.get("policies")
    for name, value in found.items() if isinstance(found, dict) else ():
        try:
            yield name, Policies.model_validate({"policies": {name: value}}).policies[name]
        except ValidationError:
            continue


def _effective(name: str, entry: PolicyEntry) -> Policy:
    return Policy(
        name=name,
        timeout_s=entry.timeout,
        attempts=entry.attempts,
        backoff=entry.backoff,
        initial_s=entry.initial,
        max_s=entry.max,
        jitter_s=entry.jitter,
        concurrency=entry.concurrency,
        breaker=Breaker(failures=entry.breaker.failures, reset_s=entry.breaker.reset) if entry.breaker else None,
        rate=RateLimit(per_s=entry.rate, burst=entry.burst) if entry.rate else None,
    )


def _contradictions(source: Source, name: str, entry: PolicyEntry) -> Iterator[Problem]:
    """What cannot hold together.

    A breaker that opens after fewer failures than one job has attempts is none: the job that notices first that a
    resource is away spares the others the trouble, and its own further attempts wait for the probe.
    """
    policy = _effective(name, entry)
    for rule in (_endless, _idle_backoff, _idle_rate):
        for field, message, remedy in rule(entry, policy):
            yield source.problem(("policies", name, *field.split(".")), message, remedy)


def _endless(entry: PolicyEntry, policy: Policy) -> Iterator[Fault]:
    """A stage keeps a job for a day at most."""
    interval, total = _interval_s(policy), worst_case_s(policy)
    if interval > LONGEST_S:
        yield (
            "rate",
            f"it lets one execution through in {interval / 3600:.1f} hours; at most 24 are allowed",
            "Raise rate.",
        )
    elif total > LONGEST_S:
        tries = f"{entry.attempts} attempts of {format_duration(entry.timeout)} with their waits"
        remedy = "Lower attempts, or raise rate." if interval > entry.timeout else "Lower attempts, timeout or max."
        yield "attempts", f"{tries} can take {total / 3600:.1f} hours; at most 24 are allowed", remedy


def _idle_backoff(entry: PolicyEntry, _: Policy) -> Iterator[Fault]:
    """Every number of the waits has an effect."""
    if entry.backoff == "none":
        for field in ("initial", "max", "jitter"):
            if getattr(entry, field) > 0:
                yield (
                    field,
                    f"backoff is none, so there is no wait that '{field}' could change",
                    f"Leave {field} out, or set backoff: linear or exponential.",
                )
        return
    first, longest, jitter = (format_duration(value) for value in (entry.initial, entry.max, entry.jitter))
    if entry.attempts == 1:
        yield (
            "backoff",
            f"there is only one attempt, so backoff {entry.backoff} never waits",
            "Set backoff: none, or allow more attempts.",
        )
    if entry.initial == 0:
        yield (
            "initial",
            f"backoff {entry.backoff} from a first wait of 0 never waits",
            "Set initial, such as 1s, or backoff: none.",
        )
    if entry.initial > entry.max:
        yield "initial", f"the first wait {first} is longer than max {longest}", "Lower initial or raise max."
    if entry.jitter > entry.max:
        yield "jitter", f"jitter {jitter} is longer than max {longest}", "Lower jitter or raise max."


def _idle_rate(entry: PolicyEntry, policy: Policy) -> Iterator[Fault]:
    """A burst has a rate, and a rate leaves something to the waits and to the breaker."""
    if policy.rate is None:
        if "burst" in entry.model_fields_set:
            yield "burst", "there is no rate that 'burst' could change", "Leave burst out, or set rate, such as 5/s."
        return
    if policy.rate.burst > 1:
        return
    interval, rate = _interval_s(policy), f"one execution in {format_duration(round(_interval_s(policy), 3))}"
    if policy.attempts > 1 and policy.backoff != "none" and interval > policy.max_s + policy.jitter_s:
        yield (
            "rate",
            f"{rate} is slower than the longest wait, so backoff {policy.backoff} never decides when to try again",
            "Raise max or rate, or set backoff: none.",
        )
    if policy.breaker and interval >= policy.breaker.reset_s + policy.timeout_s:
        yield (
            "breaker.reset",
            f"{rate} is so slow that a breaker of {format_duration(policy.breaker.reset_s)} is never met open",
            "Raise reset or rate, or leave the breaker out.",
        )


def _interval_s(policy: Policy) -> float:
    """Seconds between two executions at the policy's rate."""
    return 1 / policy.rate.per_s if policy.rate else 0.0
