"""Credit for stages' work, and what operators have ordered to wait or to be dropped.

Keys: ``flight:<service>`` set of the asks (``<job> <node>``) that have gone out and are not settled;
``held:<job>`` hash of a job's held asks by node, with their records; ``queue:<service>:<tenant>`` sorted set of those
that may be released, by priority and arrival; ``backlog:<service>`` sorted set of the tenants that wait, by tag;
``clock`` and ``pending`` hashes of each service's last tag and number of held asks; ``arrivals`` a counter;
``admission`` hash of windows and weights; ``paused`` set of scopes; ``fence:<job>`` a cancelled job's sequence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import cast

from redis.asyncio import Redis
from redis.typing import EncodableT, FieldT

from .change import Released
from .connection import Connection, answering

#: Asks of a service in flight where nothing is configured; credit.lua has the same.
DEFAULT_WINDOW = 256


@dataclass(frozen=True, slots=True)
class Pending:
    """How much of a service's work there is.

    Attributes:
        flight: asks that were sent and have no answer yet.
        held: asks that wait for credit, or for a pause to end.
    """

    flight: int
    held: int


@dataclass(frozen=True, slots=True)
class ControlState:
    """What a stage service has to obey.

    Attributes:
        paused: it must begin nothing.
        fences: of cancelled jobs: what was asked for them up to this sequence is void.
    """

    paused: bool
    fences: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Held:
    """How an ask stands with its service.

    Attributes:
        held: it has not been sent.
        position: so many of its tenant's asks go before it; None if it is not in the queue.
        flight: the service's asks that were sent and have no answer yet.
        window: so many there may be.
        pauses: what keeps it back besides: ``stage:<name>``, ``drain:<name>``, ``tenant:<name>``, ``job:<id>``.
    """

    held: bool
    position: int | None
    flight: int
    window: int
    pauses: Sequence[str]


class AdmissionReader(Connection):
    """The part of the ledger that says what stages may work on."""

    async def paused(self) -> frozenset[str]:
        """The scopes that are paused or drained."""
        async with answering():
            scopes = cast("set[bytes]", await self._redis.smembers(f"{self._prefix}paused"))
        return frozenset(scope.decode() for scope in scopes)

    async def control_state(self, service: str, job_ids: Sequence[str]) -> ControlState:
        """What a stage service has to obey as to itself and these jobs, in one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.sismember(f"{self._prefix}paused", f"stage:{service}")
        if job_ids:
            pipeline.mget([self._key("fence", job_id) for job_id in job_ids])
        async with answering():
            paused, *answers = await pipeline.execute()
        found = zip(job_ids, answers[0] if answers else (), strict=True)
        return ControlState(bool(paused), {job_id: int(fence) for job_id, fence in found if fence is not None})

    async def in_flight(self, service: str, limit: int) -> list[str]:
        """Some of the jobs of which the service has been asked for work that it has not answered; at most `limit`."""
        async with answering():
            asks = await self._redis.srandmember(self._key("flight", service), limit)
        return sorted({ask.decode().partition(" ")[0] for ask in cast("list[bytes]", asks)})

    async def pending(self) -> dict[str, Pending]:
        """How much work there is, by service: of all services that were ever asked."""
        async with answering():
            held = cast("dict[bytes, bytes]", await self._redis.hgetall(f"{self._prefix}pending"))
            pipeline = self._redis.pipeline(transaction=False)
            for service in held:
                pipeline.scard(self._key("flight", service.decode()))
            flights = await pipeline.execute()
        counts = zip(held.items(), flights, strict=True)
        return {service.decode(): Pending(flight, int(number)) for (service, number), flight in counts}

    async def admission(self, service: str, job_id: str, node: str) -> Held:
        """How an ask stands with its service: why it is held, if it is."""
        async with answering():
            held = cast("bytes | None", await self._redis.hget(self._key("held", job_id), node))
            tenant = "" if held is None else held.partition(b"\n")[0].decode().split(" ", 3)[3]
            scopes = [f"stage:{service}", f"drain:{service}", f"tenant:{tenant}"]
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.zrank(f"{self._key('queue', service)}:{tenant}", f"{job_id} {node}")
            pipeline.scard(self._key("flight", service))
            pipeline.hmget(f"{self._prefix}admission", [f"window:{service}", "window"])
            pipeline.smismember(f"{self._prefix}paused", scopes)
            position, flight, windows, flags = await pipeline.execute()
        window = next((int(value) for value in windows if value is not None), DEFAULT_WINDOW)
        pauses = [scope for scope, flag in zip(scopes, flags, strict=True) if flag]
        if held is not None and position is None:
            pauses.append(f"job:{job_id}")
        return Held(held is not None, position, flight, window, pauses)


class Admission(AdmissionReader):
    """The part of the ledger that decides what stages may work on."""

    def __init__(self, redis: Redis, prefix: str = "medkg:") -> None:
        super().__init__(redis, prefix)
        self._release = redis.register_script(script("release.lua"))

    async def configure(
        self, windows: Mapping[str, int], default_window: int = DEFAULT_WINDOW, weights: Mapping[str, int] | None = None
    ) -> None:
        """Set how much may be in flight and how tenants share it; `release` makes use of more credit at once.

        Weights count from the next release on, also for tenants that wait already.

        Args:
            windows: asks in flight, by service.
            default_window: of all other services.
            weights: shares by tenant; all others have 1.
        """
        key = f"{self._prefix}admission"
        settings: dict[FieldT, EncodableT] = {"window": default_window}
        settings |= {f"window:{service}": window for service, window in windows.items()}
        settings |= {f"weight:{tenant}": weight for tenant, weight in (weights or {}).items()}
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.delete(key)
        pipeline.hset(key, mapping=settings)
        pipeline.eval(script("reweigh.lua"), 0, self._prefix)
        async with answering():
            await pipeline.execute()

    async def pause(self, scope: str) -> None:
        """Release nothing more of this scope: ``stage:<name>``, ``drain:<name>`` or ``tenant:<name>``.

        A stage service whose stage is paused also begins nothing more; one that is drained finishes what it was sent.
        A job is paused by `Change.hold`.
        """
        async with answering():
            await self._redis.sadd(f"{self._prefix}paused", scope)

    async def resume(self, scope: str) -> None:
        """End a pause; `release` then sends what has waited for it."""
        async with answering():
            await self._redis.srem(f"{self._prefix}paused", scope)

    async def release(self, services: Sequence[str] | None = None) -> list[Released]:
        """Release what these services (all, for None) hold, as far as they have credit; the records are to be sent."""
        if services is not None and not services:
            return []
        async with answering():
            return read_released(await self._release(args=[self._prefix, *(services or ())]))


def script(name: str) -> str:
    """A Lua script of the ledger, with the credit's functions before it."""
    folder = files(__package__)
    return folder.joinpath("credit.lua").read_text() + folder.joinpath(name).read_text()


def read_released(flat: Sequence[bytes]) -> list[Released]:
    """What a script says that it has released: entry and record by turns."""
    return [Released(entry.decode(), record) for entry, record in zip(flat[::2], flat[1::2], strict=True)]
