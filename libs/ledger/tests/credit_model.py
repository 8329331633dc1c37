"""What credit-based admission promises, in plain Python: checks each thing that a ledger says that it has done."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from medkg_ledger import Change, Committed, Pending, Released

Key = tuple[str, str]


@dataclass(slots=True)
class Asked:
    """An ask that is not settled: of a job for a node, known by both."""

    service: str
    tenant: str
    order: tuple[int, int]
    record: bytes
    held: bool
    parked: bool


@dataclass
class CreditModel:
    """All asks that are not settled, and the rules by which they may move.

    Attributes:
        shares: releases of two tenants of a service since both have had something to release.
    """

    windows: Mapping[str, int]
    default_window: int = 256
    weights: Mapping[str, int] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    asks: dict[Key, Asked] = field(default_factory=dict)
    shares: dict[tuple[str, str, str], Counter[str]] = field(default_factory=dict)
    arrivals: int = 0

    def window(self, service: str) -> int:
        """How much may be in flight."""
        return self.windows.get(service, self.default_window)

    def flight(self, service: str) -> int:
        """How much is in flight."""
        return sum(ask.service == service and not ask.held for ask in self.asks.values())

    def eligible(self, service: str, tenant: str | None = None) -> list[Asked]:
        """What the service (for the tenant) holds and may release."""
        if {f"stage:{service}", f"drain:{service}"} & self.paused:
            return []
        return [
            ask
            for ask in self.asks.values()
            if ask.held and not ask.parked and ask.service == service and f"tenant:{ask.tenant}" not in self.paused
            if tenant in (None, ask.tenant)
        ]

    def backlogged(self) -> set[Key]:
        """The services and tenants of which something waits for nothing but credit."""
        return {(ask.service, ask.tenant) for ask in self.asks.values() if ask in self.eligible(ask.service)}

    def pending(self) -> dict[str, Pending]:
        """What the ledger has to say of the services that have unsettled asks."""
        services = {ask.service for ask in self.asks.values()}
        held = Counter(ask.service for ask in self.asks.values() if ask.held)
        return {service: Pending(self.flight(service), held[service]) for service in services}

    def commit(self, changes: Sequence[Change], committed: Committed) -> None:
        """Check what a commit says that it has done with its asks, and do the same."""
        before = self.backlogged()
        for change, written, granted in zip(changes, committed.written, committed.granted, strict=True):
            assert written or not any(granted)
            if written:
                self._write(change, granted)
        self._release(committed.released, before)

    def release(self, released: Iterable[Released]) -> None:
        """Check a release, and do the same."""
        self._release(released, self.backlogged())

    def reconfigure(self, windows: Mapping[str, int], default_window: int, weights: Mapping[str, int]) -> None:
        """Other settings: shares are counted anew."""
        self.windows, self.default_window, self.weights = windows, default_window, weights
        self.shares.clear()

    def _write(self, change: Change, granted: Sequence[bool]) -> None:
        job = change.after
        for _, node in change.effects.settled:
            self.asks.pop((job.job_id, node), None)
        for key, ask in list(self.asks.items()):
            if key[0] == job.job_id and change.effects.fence is not None and ask.held:
                del self.asks[key]
            elif key[0] == job.job_id and change.effects.hold is not None:
                ask.parked = change.effects.hold
        for ask, flag in zip(change.asks, granted, strict=True):
            self.arrivals += 1
            closed = {f"stage:{ask.service}", f"drain:{ask.service}", f"tenant:{ask.tenant}"} & self.paused
            if flag:
                assert not closed
                assert not job.paused
                assert not self.eligible(ask.service)
                assert self.flight(ask.service) < self.window(ask.service)
            order, held = (ask.priority, self.arrivals), not (flag or ask.sent)
            self.asks[job.job_id, ask.node] = Asked(ask.service, ask.tenant, order, ask.record, held, job.paused)

    def _release(self, released: Iterable[Released], before: set[Key]) -> None:
        counts: Counter[Key] = Counter()
        for each in released:
            job_id, _, node = each.entry.split(" ")
            ask = self.asks[job_id, node]
            assert ask.record == each.record
            assert ask.order == min(other.order for other in self.eligible(ask.service, ask.tenant))
            assert self.flight(ask.service) < self.window(ask.service)
            ask.held = False
            counts[ask.service, ask.tenant] += 1
        self._share(counts, before & self.backlogged())

    def _share(self, counts: Counter[Key], throughout: set[Key]) -> None:
        """Of two tenants that wait, neither gets more than a round ahead of its share, by the weights in force.

        Say that the clock is at c when both begin to wait together, or when the weights change. No tag is further ahead
        of the clock than one release of its tenant costs, so one's tag is at least c and other's at most c + 1/w'.
        Each release of a tenant moves its tag by 1/w: after n of one and n' of other they are at least c + n/w, and at
        most c + (n' + 1)/w'. One's last release began at its tag less 1/w, and that was then the lowest. So
        c + (n - 1)/w <= c + (n' + 1)/w', that is n/w - n'/w' <= 1/w + 1/w'; and the same the other way round.
        """
        pairs = dict(_pairs(throughout))
        self.shares = {pair: self.shares.get(pair, Counter()) for pair in pairs}
        for (service, one, other), shares in self.shares.items():
            weight, other_weight = self.weights.get(one, 1), self.weights.get(other, 1)
            shares.update({tenant: counts[service, tenant] for tenant in (one, other)})
            ahead = abs(shares[one] / weight - shares[other] / other_weight)
            assert ahead <= 1 / weight + 1 / other_weight + 1e-9


def _pairs(backlogged: set[Key]) -> Iterator[tuple[tuple[str, str, str], None]]:
    for (service, one), (other_service, other) in combinations(sorted(backlogged), 2):
        if service == other_service:
            yield (service, one, other), None
