"""What is paused or drained: stages, tenants and jobs."""

from dataclasses import dataclass

from medkg_contracts.settings import Settings
from medkg_ledger import JobState, JobStatus

from .views import ledger_of


@dataclass(frozen=True, slots=True)
class Paused:
    """What waits because a person said so.

    Attributes:
        scopes: ``stage:<name>``, ``drain:<name>`` and ``tenant:<name>``, in order.
        jobs: the running jobs that are paused themselves.
    """

    scopes: list[str]
    jobs: list[JobState]


async def paused(settings: Settings) -> Paused:
    """What is paused now.

    Raises:
        LedgerUnavailable: the ledger does not answer.
    """
    async with ledger_of(settings) as ledger:
        running = ledger.each_job({"state": str(JobStatus.RUNNING)})
        return Paused(sorted(await ledger.paused()), [job async for job in running if job.paused])


async def drained_stages(settings: Settings) -> list[str]:
    """The stages that are drained.

    Raises:
        LedgerUnavailable: the ledger does not answer.
    """
    async with ledger_of(settings) as ledger:
        scopes = sorted(await ledger.paused())
    return [scope.removeprefix("drain:") for scope in scopes if scope.startswith("drain:")]
