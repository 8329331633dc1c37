"""Policies: how long a stage may take, how often it is tried, and how hard it may lean on what it uses."""

from typing import Annotated, Literal

from pydantic import Field

from .model import Contract, Name


class Breaker(Contract):
    """When to leave a failing resource alone. It holds for all replicas of a stage service together.

    Attributes:
        failures: so many failures in a row, of any jobs, open it.
        reset_s: seconds until an open one lets a single probe through.
    """

    failures: Annotated[int, Field(ge=1, le=1000)]
    reset_s: Annotated[float, Field(gt=0, le=3600)]


class RateLimit(Contract):
    """How often a stage may be executed, by all replicas of its service together.

    Attributes:
        per_s: executions a second, on average.
        burst: so many may follow each other at once after a pause.
    """

    per_s: Annotated[float, Field(gt=0, le=1_000_000)]
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class Policy(Contract):
    """A named set of resilience settings that a stage service applies at the stage's boundary.

    Attributes:
        name: as the topology's author calls it; a breaker and a rate limit are shared by service and policy name.
        timeout_s: seconds that one attempt may take.
        attempts: tries in all, the first included.
        backoff: how waits between tries grow.
        initial_s: the first wait, seconds.
        max_s: the longest wait, seconds.
        jitter_s: a random 0..jitter_s seconds is added to each wait.
        concurrency: so many executions at once in one replica; None leaves it to the service.
        breaker: None never stops trying.
        rate: None sets no limit.
    """

    name: Name = "default"
    timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    attempts: Annotated[int, Field(ge=1, le=100)] = 1
    backoff: Literal["none", "linear", "exponential"] = "none"
    initial_s: Annotated[float, Field(ge=0, le=3600)] = 0.0
    max_s: Annotated[float, Field(ge=0, le=3600)] = 0.0
    jitter_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    concurrency: Annotated[int, Field(ge=1, le=10_000)] | None = None
    breaker: Breaker | None = None
    rate: RateLimit | None = None
