"""No silent CPU: a stage that is made for a GPU runs without one only where somebody has chosen that."""

import ctypes
from typing import Literal

from medkg_contracts.errors import GpuUnavailable
from medkg_contracts.settings import Settings

#: NVIDIA's driver, which every CUDA program goes through; it heeds CUDA_VISIBLE_DEVICES.
DRIVER = "libcuda.so.1"


class AcceleratedSettings(Settings):
    """What the settings of a stage that runs a model derive from.

    Attributes:
        accelerator: what the model runs on; ``cpu`` is only ever an explicit choice.
    """

    accelerator: Literal["cuda", "cpu"] = "cuda"


def usable_gpus(driver: str = DRIVER) -> int:
    """How many GPUs a program on this machine can use."""
    try:
        cuda = ctypes.CDLL(driver)
        count = ctypes.c_int(0)
        answered = cuda.cuInit(0) == 0 and cuda.cuDeviceGetCount(ctypes.byref(count)) == 0
    except (OSError, AttributeError):
        return 0
    return count.value if answered else 0


def require(accelerator: Literal["cuda", "cpu"]) -> None:
    """Make sure that what was chosen is there.

    Raises:
        GpuUnavailable: it is not.
    """
    if accelerator == "cuda" and not usable_gpus():
        raise GpuUnavailable(f"MK_ACCELERATOR is cuda, and NVIDIA's driver ({DRIVER}) shows no usable GPU")
