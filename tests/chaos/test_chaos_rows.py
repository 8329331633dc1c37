"""Whatever goes wrong under load: no job is lost, nothing takes effect twice, and every execution is told."""

import pytest
from medkg_contracts.kinds import TYPE_PREFIX
from medkg_testing import Watch

from . import evidence
from .audit import audit
from .faults import FAULTS, Fault
from .load import Load
from .recovery import Told, silences, time_to_recover
from .rig import Rig
from .table import Row

#: Jobs in flight, at least.
SHORT, LONG = 100, 500


@pytest.mark.integration
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.short], ids=lambda fault: fault.name)
async def test_fault_in_short(rig: Rig, rows: list[Row], fault: Fault) -> None:
    """After the fault every job has completed, and index, store, ledger and events hold what they should, once."""
    row = await struck(rig, fault, SHORT)
    rows.append(row)

    assert ([], [], []) == (row.lost, row.duplicated, row.unseen)


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_fault(rig: Rig, rows: list[Row], fault: Fault) -> None:
    """The same with hundreds of jobs in flight, for every fault."""
    row = await struck(rig, fault, LONG)
    rows.append(row)

    assert ([], [], []) == (row.lost, row.duplicated, row.unseen)


async def struck(rig: Rig, fault: Fault, in_flight: int) -> Row:
    """Let the fault strike a product at work, and look at what is left when all has ended."""
    if why := fault.impossible(rig):
        pytest.skip(why)
    rig.mend()
    began = await evidence.mark(rig.product)
    in_flight = fault.in_flight or in_flight
    async with fault.scene(rig):
        with rig.product.watch() as watch:
            name = "".join(letter if letter.isalnum() else "-" for letter in fault.name.lower())
            load = Load(rig.product, watch, name, rig.studies[:in_flight], in_flight, fault.topology)
            await load.warm()
            struck_with = load.in_flight
            since = await load.during(fault.inject(rig, load))
            await load.finish()
        found = audit(await evidence.gather(rig.product, began, load))
    rig.forget(load.jobs)
    completions = list(watch.ended_at.values())
    row = Row(
        fault=fault.name,
        jobs=len(load.sent),
        in_flight=struck_with,
        lost=found.lost,
        duplicated=found.duplicated,
        unseen=found.unseen,
        recovered_s=time_to_recover(since, completions),
        target_s=fault.target_s,
        silences=silences(since, completions, _told(watch)),
    )
    if not row.clean:
        print(f"logs: {rig.keep_logs(name)}")
    return row


def _told(watch: Watch) -> list[Told]:
    events = zip(watch.read_at, watch.events, strict=True)
    return [Told(at, event.source.rpartition("/")[2], event.type.removeprefix(TYPE_PREFIX)) for at, event in events]
