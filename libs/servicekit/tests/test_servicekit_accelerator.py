"""No silent CPU."""

import pytest
from medkg_contracts.errors import GpuUnavailable, LedgerUnavailable
from medkg_servicekit import accelerator
from medkg_servicekit.accelerator import AcceleratedSettings, Gpu
from medkg_servicekit.startup_failures import StartupFailures
from redis.asyncio import Redis


@pytest.mark.parametrize(
    ("driver", "said"),
    [("libno-such-driver.so.1", "is not installed, or not passed in"), ("libc.so.6", "undefined symbol: cuInit")],
)
def test_a_machine_without_the_driver_has_no_gpu(driver: str, said: str) -> None:
    """A driver that is not there, or is none, is said to be."""
    with pytest.raises(GpuUnavailable, match=said):
        accelerator.usable_gpus(driver)


def test_without_a_gpu_cuda_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that is to run on a GPU does not run on anything else, and says what can be done."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    with pytest.raises(GpuUnavailable, match="MK_ACCELERATOR is cuda, and there is no usable GPU"):
        accelerator.require(AcceleratedSettings(accelerator="cuda"))
    accelerator.require(AcceleratedSettings(accelerator="cpu"))


def test_a_gpu_with_too_little_memory_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """At least one GPU has to have what MK_GPU_MEMORY_MB asks for, however much of it is in use; else each is named."""
    small = Gpu("Small", "00000000:01:00.0", total_mb=2048, free_mb=2000)
    large = Gpu("Large", "00000000:02:00.0", total_mb=81_920, free_mb=10)
    settings = AcceleratedSettings(accelerator="cuda", gpu_memory_mb=4096)

    monkeypatch.setattr(accelerator, "usable_gpus", lambda: [small, large])
    accelerator.require(settings)
    monkeypatch.setattr(accelerator, "usable_gpus", lambda: [small])
    with pytest.raises(
        GpuUnavailable, match=r"no GPU has 4096 MiB .*Small at 00000000:01:00\.0: 2000 of 2048 MiB free"
    ):
        accelerator.require(settings)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://localhost:8000/v1", True),
        ("http://gpu-7:8000/v1", False),
        ("http://10.0.0.7:8000/v1", False),
    ],
)
def test_a_server_is_here_if_its_address_is_this_machines(url: str, expected: bool) -> None:
    """Loopback addresses are this machine's, all others may be another's."""
    assert expected is accelerator.is_here(url)


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
