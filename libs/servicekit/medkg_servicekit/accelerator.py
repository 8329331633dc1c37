"""No silent CPU: a stage that is made for a GPU runs without one only where somebody has chosen that."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import pynvml
from medkg_contracts.errors import GpuUnavailable
from medkg_contracts.settings import Settings
from pydantic import Field

#: NVIDIA's driver, which every CUDA program goes through; it heeds CUDA_VISIBLE_DEVICES.
DRIVER: Final = "libcuda.so.1"
#: How a service ends that found no GPU: EX_UNAVAILABLE of sysexits.h.
EXIT_CODE: Final = 69

_MIB: Final = 1024 * 1024
_BUS_ID_BYTES: Final = 32


class AcceleratedSettings(Settings):
    """What the settings of a stage that runs a model derive from.

    Attributes:
        accelerator: what the model runs on; ``cpu`` is only ever an explicit choice.
        gpu_memory_mb: a GPU with less memory than so many MiB in all is none: the model would not fit.
    """

    accelerator: Literal["cuda", "cpu"] = "cuda"
    gpu_memory_mb: Annotated[int, Field(ge=0)] = 4096


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that a program on this machine can use.

    Attributes:
        name: the product's.
        bus_id: where it is.
        total_mb: MiB of memory, in all.
        free_mb: MiB of it that nobody uses.
    """

    name: str
    bus_id: str
    total_mb: int
    free_mb: int

    def __str__(self) -> str:
        return f"{self.name} at {self.bus_id}: {self.free_mb} of {self.total_mb} MiB free"


def usable_gpus(driver: str = DRIVER) -> list[Gpu]:
    """The GPUs that a program on this machine can use.

    Which they are, the driver says, since it heeds CUDA_VISIBLE_DEVICES; what they are, NVML, which makes no context on
    them.

    Raises:
        GpuUnavailable: there is none; the message says what the driver or NVML answered.
    """
    bus_ids = _visible(driver)
    if not bus_ids:
        raise GpuUnavailable(f"NVIDIA's driver ({driver}) shows no GPU; it heeds CUDA_VISIBLE_DEVICES")
    with _nvml():
        return [_described(bus_id) for bus_id in bus_ids]


def require(settings: AcceleratedSettings) -> None:
    """Make sure that what was chosen is there.

    Raises:
        GpuUnavailable: it is not.
    """
    if settings.accelerator == "cpu":
        return
    try:
        gpus = usable_gpus()
    except GpuUnavailable as error:
        raise GpuUnavailable(f"MK_ACCELERATOR is cuda, and there is no usable GPU: {error}") from error
    if all(gpu.total_mb < settings.gpu_memory_mb for gpu in gpus):
        there = "; ".join(map(str, gpus))
        raise GpuUnavailable(
            f"MK_ACCELERATOR is cuda, and no GPU has {settings.gpu_memory_mb} MiB (MK_GPU_MEMORY_MB): {there}"
        )


def is_here(url: str) -> bool:
    """Whether a server at this address is on this machine, so that its GPU has to be, too."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _visible(driver: str) -> list[str]:
    """Where the GPUs are that CUDA programs see.

    Raises:
        GpuUnavailable: the driver is not there, or does not work.
    """
    try:
        cuda = ctypes.CDLL(driver)
        _ask(cuda, "cuInit", 0)
        count = ctypes.c_int(0)
        _ask(cuda, "cuDeviceGetCount", ctypes.byref(count))
        return [_bus_id(cuda, number) for number in range(count.value)]
    except (OSError, AttributeError) as error:
        raise GpuUnavailable(f"NVIDIA's driver is not installed, or not passed in: {error}") from error


def _bus_id(cuda: ctypes.CDLL, number: int) -> str:
    device = ctypes.c_int(0)
    _ask(cuda, "cuDeviceGet", ctypes.byref(device), number)
    text = ctypes.create_string_buffer(_BUS_ID_BYTES)
    _ask(cuda, "cuDeviceGetPCIBusId", text, _BUS_ID_BYTES, device)
    return text.value.decode()


def _ask(cuda: ctypes.CDLL, function: str, *arguments: Any) -> None:  # noqa: ANN401 - of C
    status = getattr(cuda, function)(*arguments)
    if status:
        raise GpuUnavailable(f"{function} of NVIDIA's driver answered {status}")


@contextmanager
def _nvml() -> Iterator[None]:
    try:
        pynvml.nvmlInit()
        try:
            yield
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        raise GpuUnavailable(f"NVML answered: {error}") from error


def _described(bus_id: str) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByPciBusId(bus_id.encode())
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return Gpu(str(pynvml.nvmlDeviceGetName(handle)), bus_id, int(memory.total) // _MIB, int(memory.free) // _MIB)


def main() -> None:
    """Say which GPUs there are, or why there is none.

    Raises:
        SystemExit: there is none, with `EXIT_CODE`.
    """
    settings = AcceleratedSettings(accelerator="cuda")
    try:
        require(settings)
        gpus = usable_gpus()
    except GpuUnavailable as error:
        print(f"{error.code}: {error}\n-> {error.info.remedy}")
        raise SystemExit(EXIT_CODE) from None
    for gpu in gpus:
        print(f"ok: {gpu}")


if __name__ == "__main__":
    main()
