"""What is concluded from pauses that stand in the way of a request."""

from typing import Final, NamedTuple

from medkg_ledger import JobState

from .causes import Cause
from .facts import StageFacts
from .finding import Finding, said


class _Way(NamedTuple):
    cause: Cause
    summary: str
    command: str


#: By the first word of the scope that is paused.
_WAYS: Final[dict[str, _Way]] = {
    "job": _Way(Cause.JOB_PAUSED, "the job is paused", "medkg resume --job {job}"),
    "tenant": _Way(Cause.TENANT_PAUSED, "the tenant {tenant} is paused", "medkg resume --tenant {tenant}"),
    "stage": _Way(Cause.STAGE_PAUSED, "the stage {service} is paused", "medkg resume --stage {service}"),
    "drain": _Way(Cause.STAGE_PAUSED, "the stage {service} is being drained", "medkg resume --stage {service}"),
}


def about_pauses(job: JobState, facts: StageFacts) -> Finding | None:
    """The pause that holds the request, if one does; of several the job's own, then the tenant's, then the stage's."""
    paused = {scope.partition(":")[0] for scope in facts.credit.pauses}
    ways = [way for scope, way in _WAYS.items() if scope in paused]
    if not ways:
        return None
    names = {"job": job.job_id, "tenant": job.tenant_id, "service": facts.node.service}
    first = ways[0].summary.format(**names)
    others = [way.summary.format(**names) for way in ways[1:]]
    commands = dict.fromkeys(f"`{way.command.format(**names)}`" for way in ways)
    effect = f"its request for {facts.node.name} is held" if facts.credit.held else "its request is not begun"
    return Finding(
        ways[0].cause,
        f"{first}, so that {effect}",
        f"{' and '.join(commands)} when it shall go on.",
        stage=facts.node.name,
        record=None if facts.record is None else str(facts.record.place),
        waiting_on="the end of the pause" + (f"; besides, {' and '.join(others)}" if others else ""),
        last_error=said(facts.error),
    )


def about_pause_of_given(job: JobState, facts: StageFacts) -> Finding | None:
    """What the service has been given is held up by the pause of the stage alone, and what it does already by none."""
    paused = f"stage:{facts.node.service}" in facts.credit.pauses
    return about_pauses(job, facts) if paused and not facts.at_work else None
