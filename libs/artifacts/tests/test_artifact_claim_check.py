"""Large event data travel as claim checks."""

from pathlib import Path

import pytest
from medkg_artifacts import CLAIM_CHECK_BYTES, ArtifactStore, deposit, redeem
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.errors import PoisonRecord


def event(data: bytes | None, **extensions: str) -> CloudEvent:
    return CloudEvent(id="1", source="/test", type="t", data=data, extensions={"tenantid": "alpha", **extensions})


async def test_small_data_travel(tmp_path: Path) -> None:
    """An event at the limit stays as it is."""
    small = event(b"x" * CLAIM_CHECK_BYTES)

    assert small == await deposit(small, ArtifactStore(tmp_path))


async def test_large_data_come_back(tmp_path: Path) -> None:
    """An event above the limit loses its data on the way and has them again afterwards."""
    store = ArtifactStore(tmp_path)
    large = event(b"x" * (CLAIM_CHECK_BYTES + 1))

    travelling = await deposit(large, store)

    assert travelling.data is None
    assert large == await redeem(travelling, store)


@pytest.mark.parametrize(
    ("dataref", "reason"),
    [
        ("https://elsewhere/x", "not of the form"),
        ("artifact://alpha/" + "0" * 64, "does not exist"),
        ("artifact://beta/" + "0" * 64, "no artifact of tenant 'alpha'"),
    ],
)
async def test_strange_references_are_poison(tmp_path: Path, dataref: str, reason: str) -> None:
    """A dataref that leads nowhere, or to another tenant, makes the record poison and says why."""
    with pytest.raises(PoisonRecord, match=reason):
        await redeem(event(None, dataref=dataref), ArtifactStore(tmp_path))
