"""What an operator orders on ``jobs.control.v1``.

An order about a job names it in the event's ``jobid``; one about a stage or a tenant has ``stage:<name>`` or
``tenant:<name>`` there, so that all orders about one thing keep their order.
"""

from typing import Annotated, Literal

from pydantic import Field

from .model import Contract, Identifier, Name

#: Who ordered it and why, for the audit: free text of a bounded length.
Note = Annotated[str, Field(max_length=1000)]


class Order(Contract):
    """The data of `control.cancel`.

    Attributes:
        by: who ordered it.
        reason: why.
    """

    by: Note = ""
    reason: Note = ""


class ScopeOrder(Order):
    """The data of `control.pause`, `control.resume`, `scope.paused` and `scope.resumed`.

    Attributes:
        scope: of what.
        name: the job's id, the stage service's name or the tenant's.
        drain: a stage's service finishes what it has been given; it is only given nothing more.
    """

    scope: Literal["job", "stage", "tenant"]
    name: Identifier
    drain: bool = False

    @property
    def subject(self) -> str:
        """What it is about: the event's ``jobid``."""
        return self.name if self.scope == "job" else f"{self.scope}:{self.name}"

    @property
    def begins(self) -> str:
        """The pause of a stage or tenant that it begins, as the ledger calls it."""
        return f"drain:{self.name}" if self.drain else self.subject

    @property
    def ends(self) -> tuple[str, ...]:
        """The pauses that it ends as a resumption: a stage may be paused, draining or both."""
        return (self.subject, f"drain:{self.name}") if self.scope == "stage" else (self.subject,)


class RerunOrder(Order):
    """The data of `control.rerun`.

    Attributes:
        stage: run this stage and all that depends on it again; None goes on where the job failed.
        latest: on the newest version of the topology instead of the one that the job is pinned to.
    """

    stage: Name | None = None
    latest: bool = False
