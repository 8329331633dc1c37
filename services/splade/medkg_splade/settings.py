"""The SPLADE stage's settings."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from medkg_models.sparse_opening import SparseSettings
from medkg_servicekit.accelerator import AcceleratedSettings


class SpladeSettings(AcceleratedSettings, SparseSettings):
    """What runs the model, and where; see `SparseSettings` and `AcceleratedSettings`."""

    def needs_gpu_here(self) -> bool:
        """Whether this machine has to have what MK_ACCELERATOR names; not where vLLM runs on another one."""
        return self.accelerator == "cpu" or _is_here(urlsplit(self.splade_url).hostname or "")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
