"""Policies: their values, and the numbers that contradict each other."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.policy import Breaker, Policy, RateLimit
from medkg_topology.duration import format_duration, parse_duration
from medkg_topology.policies import CompiledPolicies, compile_policies, waits, worst_case_s
from medkg_topology.rate import format_rate, parse_rate
from medkg_topology.source import read_source

HEAD = "policies:\n  p:\n"


def compiled(text: str) -> CompiledPolicies:
    return compile_policies(read_source("policies.yaml", text.encode()))


def problems(*fields: str) -> list[str]:
    return [str(problem) for problem in compiled(HEAD + "".join(f"    {field}\n" for field in fields)).problems]


def test_values() -> None:
    """Durations are text with a unit or seconds."""
    text = HEAD + (
        "    timeout: 10m\n    attempts: 3\n    backoff: exponential\n    initial: 0.5\n    max: 1m\n    jitter: 2s\n"
    )

    expected = Policy(name="p", timeout_s=600, attempts=3, backoff="exponential", initial_s=0.5, max_s=60, jitter_s=2)
    assert {"p": expected} == compiled(text).policies


def test_values_that_spare_what_a_stage_uses() -> None:
    """A breaker, a rate with a burst and a concurrency are part of the policy."""
    text = HEAD + (
        "    timeout: 10s\n    attempts: 1\n    concurrency: 4\n    breaker: {failures: 5, reset: 1m}\n"
        "    rate: 30/m\n    burst: 10\n"
    )

    expected = Policy(
        name="p",
        timeout_s=10,
        concurrency=4,
        breaker=Breaker(failures=5, reset_s=60),
        rate=RateLimit(per_s=0.5, burst=10),
    )
    assert {"p": expected} == compiled(text).policies


def test_a_rate_allows_no_burst_unless_it_says_so() -> None:
    """Without `burst`, executions follow each other evenly."""
    text = HEAD + "    timeout: 10s\n    attempts: 1\n    rate: 5/s\n"

    assert RateLimit(per_s=5, burst=1) == compiled(text).policies["p"].rate


@pytest.mark.parametrize(
    "fields",
    [
        ["timeout: 1s", "attempts: 10", "breaker: {failures: 5, reset: 60s}"],
        ["timeout: 1s", "attempts: 1", "concurrency: 100", "rate: 1/h"],
        ["timeout: 1s", "attempts: 3", "rate: 1/h"],
        ["timeout: 1s", "attempts: 3", "backoff: linear", "initial: 1s", "max: 5s", "rate: 6/m", "burst: 3"],
        ["timeout: 1s", "attempts: 3", "backoff: linear", "initial: 1s", "max: 5s", "jitter: 5s", "rate: 6/m"],
        ["timeout: 1s", "attempts: 1", "rate: 1/m", "breaker: {failures: 5, reset: 60s}"],
        ["timeout: 1s", "attempts: 1", "rate: 1/h", "burst: 9", "breaker: {failures: 5, reset: 60s}"],
    ],
)
def test_what_looks_odd_and_is_no_contradiction(fields: list[str]) -> None:
    """Every number of these has an effect, so they load."""
    assert [] == problems(*fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            ["timeout: 1s", "attempts: 2", "backoff: linear", "initial: 9s", "max: 5s"],
            (
                "policies.yaml:6: policies.p.initial: the first wait 9s is longer than max 5s. "
                "Remedy: Lower initial or raise max."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 2", "backoff: none", "initial: 9s"],
            (
                "policies.yaml:6: policies.p.initial: backoff is none, so there is no wait that 'initial' could "
                "change. "
                "Remedy: Leave initial out, or set backoff: linear or exponential."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 2", "jitter: 1s"],
            (
                "policies.yaml:5: policies.p.jitter: backoff is none, so there is no wait that 'jitter' could change. "
                "Remedy: Leave jitter out, or set backoff: linear or exponential."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 1", "backoff: linear", "initial: 1s", "max: 5s"],
            (
                "policies.yaml:5: policies.p.backoff: there is only one attempt, so backoff linear never waits. "
                "Remedy: Set backoff: none, or allow more attempts."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 2", "backoff: linear", "max: 5s"],
            (
                "policies.yaml:2: policies.p.initial: backoff linear from a first wait of 0 never waits. "
                "Remedy: Set initial, such as 1s, or backoff: none."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 2", "backoff: linear", "initial: 1s", "max: 5s", "jitter: 6s"],
            "policies.yaml:8: policies.p.jitter: jitter 6s is longer than max 5s. Remedy: Lower jitter or raise max.",
        ),
        (
            ["timeout: 20h", "attempts: 2"],
            (
                "policies.yaml:4: policies.p.attempts: 2 attempts of 20h with their waits can take 40.0 hours; "
                "at most 24 are allowed. Remedy: Lower attempts, timeout or max."
            ),
        ),
        (
            ["timeout: 0s", "attempts: 2"],
            (
                "policies.yaml:3: policies.p.timeout: must be more than 0s, not 0s. "
                "Remedy: Write, for example, `timeout: 30s`."
            ),
        ),
        (
            ["timeout: 2d", "attempts: 2"],
            (
                "policies.yaml:3: policies.p.timeout: must be at most 1d, not 2d. "
                "Remedy: Write, for example, `timeout: 30s`."
            ),
        ),
        (
            ["timeout: soon", "attempts: 2"],
            (
                "policies.yaml:3: policies.p.timeout: 'soon' is not a duration. "
                "Remedy: Write a number and s, m, h or d, such as 15m."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 0"],
            (
                "policies.yaml:4: policies.p.attempts: must be at least 1, not 0. "
                "Remedy: Write, for example, `attempts: 3`."
            ),
        ),
        (
            ["timeout: 1s", "attempts: two"],
            (
                "policies.yaml:4: policies.p.attempts: must be a whole number, not the text 'two'. "
                "Remedy: Write, for example, `attempts: 3`."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 2", "backoff: fast"],
            (
                "policies.yaml:5: policies.p.backoff: must be 'none', 'linear' or 'exponential', not the text 'fast'. "
                "Remedy: Choose one of these."
            ),
        ),
        (
            ["timeout: 1s", "attemps: 2", "attempts: 2"],
            (
                "policies.yaml:4: policies.p.attemps: a policy has no field 'attemps' (did you mean 'attempts'?). "
                "Remedy: Its fields are timeout, attempts, backoff, initial, max, jitter, concurrency, breaker, rate, "
                "burst."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 1", "burst: 1"],
            (
                "policies.yaml:5: policies.p.burst: there is no rate that 'burst' could change. "
                "Remedy: Leave burst out, or set rate, such as 5/s."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 3", "backoff: linear", "initial: 1s", "max: 5s", "rate: 6/m"],
            (
                "policies.yaml:8: policies.p.rate: one execution in 10s is slower than the longest wait, "
                "so backoff linear never decides when to try again. "
                "Remedy: Raise max or rate, or set backoff: none."
            ),
        ),
        (
            ["timeout: 10s", "attempts: 1", "rate: 1/h", "breaker:", "  failures: 5", "  reset: 60s"],
            (
                "policies.yaml:8: policies.p.breaker.reset: one execution in 1h is so slow that a breaker of 1m "
                "is never met open. Remedy: Raise reset or rate, or leave the breaker out."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 2", "rate: 0.02/h"],
            (
                "policies.yaml:5: policies.p.rate: it lets one execution through in 50.0 hours; "
                "at most 24 are allowed. Remedy: Raise rate."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 30", "rate: 1/h"],
            (
                "policies.yaml:4: policies.p.attempts: 30 attempts of 1s with their waits can take 29.0 hours; "
                "at most 24 are allowed. Remedy: Lower attempts, or raise rate."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 1", "rate: 5"],
            (
                "policies.yaml:5: policies.p.rate: 5 is not a rate. "
                "Remedy: Write a number, a slash and s, m or h, such as 5/s."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 1", "rate: 0/s"],
            "policies.yaml:5: policies.p.rate: must be more than 0, not 0/s. Remedy: Write, for example, `rate: 5/s`.",
        ),
        (
            ["timeout: 1s", "attempts: 1", "rate: 5/s", "burst: 0"],
            "policies.yaml:6: policies.p.burst: must be at least 1, not 0. Remedy: Write, for example, `burst: 10`.",
        ),
        (
            ["timeout: 1s", "attempts: 1", "concurrency: 0"],
            (
                "policies.yaml:5: policies.p.concurrency: must be at least 1, not 0. "
                "Remedy: Write, for example, `concurrency: 4`."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 1", "breaker: 5"],
            (
                "policies.yaml:5: policies.p.breaker: must be a mapping of fields, not the number 5. "
                "Remedy: Write, for example, `breaker: {failures: 5, reset: 60s}`."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 1", "breaker: {failures: 5}"],
            (
                "policies.yaml:5: policies.p.breaker.reset: a breaker needs the field 'reset'. "
                "Remedy: Write, for example, `reset: 60s`."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 1", "breaker:", "  failures: 5", "  reset: 2h"],
            (
                "policies.yaml:7: policies.p.breaker.reset: must be at most 1h, not 2h. "
                "Remedy: Write, for example, `reset: 60s`."
            ),
        ),
        (
            ["timeout: 1s", "attempts: 1", "breaker: {failures: 5, reset: 60s, fail_max: 5}"],
            (
                "policies.yaml:5: policies.p.breaker.fail_max: a breaker has no field 'fail_max'. "
                "Remedy: Its fields are failures, reset."
            ),
        ),
        (
            ["attempts: 2"],
            (
                "policies.yaml:2: policies.p.timeout: a policy needs the field 'timeout'. "
                "Remedy: Write, for example, `timeout: 30s`."
            ),
        ),
    ],
)
def test_refusal(fields: list[str], expected: str) -> None:
    """Each contradiction and each wrong value is named with its line and field."""
    assert [expected] == problems(*fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "policies: {}\n",
            (
                "policies.yaml:1: policies: there are none. "
                "Remedy: Write, for example, `policies: {default: {timeout: 30s, attempts: 1}}`."
            ),
        ),
        (
            "policies: [a]\n",
            (
                "policies.yaml:1: policies: must be a mapping of fields, not a list. "
                "Remedy: Write, for example, `policies: {default: {timeout: 30s, attempts: 1}}`."
            ),
        ),
        (
            "policies:\n  Fast One: {timeout: 1s, attempts: 1}\n",
            (
                "policies.yaml:2: policies.Fast One: 'Fast One' is no valid name: names become parts of topics. "
                "Remedy: Use lower-case letters, digits, '-' and '_', a letter first, at most 63 in all."
            ),
        ),
        (
            HEAD + "    {timeout: 1s, attempts: 1}\n  p: {timeout: 2s, attempts: 1}\n",
            "policies.yaml:4: policies.p: stands twice; first on line 2. Remedy: Leave one of the two out.",
        ),
        (
            "policies:\n  p:\n",
            (
                "policies.yaml:2: policies.p: must be a mapping of fields, not empty. "
                "Remedy: Write it as the schema of a policy says."
            ),
        ),
    ],
)
def test_refusal_of_the_file(text: str, expected: str) -> None:
    """A file without policies, or with badly named ones, is refused."""
    assert [expected] == [str(problem) for problem in compiled(text).problems]


def test_all_faults_are_reported_in_order_of_line() -> None:
    """One bad policy does not hide the faults of the next."""
    text = (
        "policies:\n  a: {timeout: 0s, attempts: 1}\n"
        "  b: {timeout: 1s, attempts: 1, jitter: 1s}\n  c: {attempts: 1, timeout: x}\n"
    )

    assert [(p.line, p.field) for p in compiled(text).problems] == [
        (2, "policies.a.timeout"),
        (3, "policies.b.jitter"),
        (4, "policies.c.timeout"),
    ]


def test_waits_grow_as_the_backoff_says() -> None:
    """Linear adds the first wait, exponential doubles, both stop at the longest."""
    linear = Policy(attempts=5, backoff="linear", initial_s=2, max_s=5)
    exponential = Policy(attempts=5, backoff="exponential", initial_s=1, max_s=5)

    assert [[2, 4, 5, 5], [1, 2, 4, 5]] == [list(waits(linear)), list(waits(exponential))]


def test_worst_case_counts_timeouts_waits_and_jitter() -> None:
    """Three attempts of 10 s, waits 1 and 2 s, each with 1 s of jitter."""
    policy = Policy(timeout_s=10, attempts=3, backoff="exponential", initial_s=1, max_s=5, jitter_s=1)

    assert worst_case_s(policy) == 35


def test_worst_case_keeps_to_the_rate() -> None:
    """Two attempts of 10 s that may begin a minute apart end after 70 s, whatever the wait between them."""
    policy = Policy(timeout_s=10, attempts=2, backoff="linear", initial_s=1, max_s=5, rate=RateLimit(per_s=1 / 60))

    assert 70 == pytest.approx(worst_case_s(policy))


@settings(max_examples=80)
@given(st.integers(1, 10**6), st.sampled_from("smh"))
def test_written_rates_are_read_back(number: int, unit: str) -> None:
    """What `format_rate` writes, `parse_rate` reads."""
    rate = parse_rate(f"{number}/{unit}")

    assert rate == pytest.approx(parse_rate(format_rate(rate)))


@pytest.mark.parametrize(
    ("written", "expected"), [("5/s", "5/s"), ("0.5/s", "30/m"), ("5/h", "5/h"), ("0.5/h", "0.5/h")]
)
def test_rates_are_written_in_whole_numbers_where_they_can_be(written: str, expected: str) -> None:
    """Half an execution a second is thirty a minute."""
    assert expected == format_rate(parse_rate(written))


@pytest.mark.parametrize("value", ["5", "/s", "-5/s", "5 /s", "5/s\n", "5/d", "5/ms", "", True, None, 5])
def test_not_a_rate(value: object) -> None:
    """A rate has a number, a slash and a unit, nothing else."""
    with pytest.raises(ValueError, match="is not a rate"):
        parse_rate(value)


@settings(max_examples=80)
@given(st.integers(0, 10**8))
def test_written_durations_are_read_back(seconds: int) -> None:
    """What `format_duration` writes, `parse_duration` reads."""
    assert seconds == parse_duration(format_duration(seconds))


@pytest.mark.parametrize("value", ["15", "m", "-1s", "1 s", "1s\n", "1w", "", True, None, [1]])
def test_not_a_duration(value: object) -> None:
    """A duration has a number and a unit, nothing else."""
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(value)
