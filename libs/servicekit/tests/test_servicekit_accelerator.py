"""No silent CPU."""

import pytest
from medkg_contracts.errors import GpuUnavailable, LedgerUnavailable
from medkg_servicekit import accelerator
from medkg_servicekit.accelerator import AcceleratedSettings
from medkg_servicekit.startup_failures import StartupFailures
from redis.asyncio import Redis


@pytest.mark.parametrize("driver", ["libno-such-driver.so.1", "libc.so.6"])
def test_a_machine_without_the_driver_has_no_gpu(driver: str) -> None:
    """A driver that is not there, or is none, shows no GPU; nothing is raised."""
    assert 0 == accelerator.usable_gpus(driver)


def test_without_a_gpu_cuda_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that is to run on a GPU does not run on anything else, and says what can be done."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    with pytest.raises(GpuUnavailable, match="MK_ACCELERATOR is cuda"):
        accelerator.require("cuda")
    accelerator.require("cpu")


def test_cuda_is_what_nobody_has_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU is only ever an explicit choice."""
    monkeypatch.delenv("MK_ACCELERATOR", raising=False)
    unset = AcceleratedSettings().accelerator
    monkeypatch.setenv("MK_ACCELERATOR", "cpu")

    assert ("cuda", "cpu") == (unset, AcceleratedSettings().accelerator)


@pytest.mark.integration
async def test_a_failure_stays_until_the_service_starts(redis_url: str) -> None:
    """A service that does not start leaves why, for whoever asks; a start takes it away."""
    async with Redis.from_url(redis_url) as redis:
        failures = StartupFailures(redis, "failures-test:")
        before = await failures.read("embed")
        await failures.leave("embed", GpuUnavailable("no GPU here"))
        left = await failures.read("embed")
        await failures.clear("embed")

        assert (None, None) == (before, await failures.read("embed"))
    assert left is not None
    assert ("gpu_unavailable", True) == (left.code, left.message.startswith("no GPU here Start the service on"))


async def test_without_redis_a_failure_is_only_logged() -> None:
    """A Redis that is away keeps no service from starting or from refusing to."""
    async with Redis.from_url("redis://127.0.0.1:1/0") as redis:
        failures = StartupFailures(redis)
        await failures.leave("embed", GpuUnavailable("no GPU here"))
        await failures.clear("embed")

        with pytest.raises(LedgerUnavailable):
            await failures.read("embed")
