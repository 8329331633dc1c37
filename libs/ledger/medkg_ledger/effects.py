"""What a decision about a job brings with it, besides the job's next state: from where it is decided to the commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Effects:
    """What is written together with a job's next state.

    What is settled, fenced and held concerns earlier asks for stages' work; then come the new ones.

    Attributes:
        timers: when the router's durable timer of a node is due, milliseconds since 1970-01-01 UTC; None when it is
            over.
        settled: (service, node) of the stages that were REQUESTED and are so no more, or in another epoch: they need no
            answer any more, and their credit is free again.
        fence: the job was cancelled when its sequence was this: whatever was asked for it until then is void.
        hold: the job was paused (True), or its pause has ended (False).
    """

    timers: Mapping[str, int | None] = field(default_factory=dict)
    settled: tuple[tuple[str, str], ...] = ()
    fence: int | None = None
    hold: bool | None = None

    def then(self, later: Self) -> "Effects":
        """These, and then those of a later decision about the same job."""
        return Effects(
            timers={**self.timers, **later.timers},
            settled=tuple(dict.fromkeys((*self.settled, *later.settled))),
            fence=self.fence if later.fence is None else later.fence,
            hold=self.hold if later.hold is None else later.hold,
        )

    def facts(self, job_id: str) -> dict[str, Any]:
        """What commit.lua is told of them as JSON."""
        facts: dict[str, Any] = {
            "timers": [(due, timer_member(job_id, node)) for node, due in self.timers.items() if due is not None],
            "drop": [timer_member(job_id, node) for node, due in self.timers.items() if due is None],
            "settled": self.settled,
        }
        if self.fence is not None:
            facts["fence"] = self.fence
        if self.hold is not None:
            facts["hold"] = self.hold
        return facts


#: Nothing but the next state.
NO_EFFECTS = Effects()


def timer_member(job_id: str, node: str) -> str:
    """How a job's timer is named in Redis."""
    return f"{job_id} {node}"
