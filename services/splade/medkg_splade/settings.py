"""The SPLADE stage's settings."""

from medkg_models.sparse_opening import SparseSettings
from medkg_servicekit.accelerator import AcceleratedSettings, is_here


class SpladeSettings(AcceleratedSettings, SparseSettings):
    """What runs the model, and where; see `SparseSettings` and `AcceleratedSettings`."""

    def needs_gpu_here(self) -> bool:
        """Whether this machine has to have what MK_ACCELERATOR names; not where vLLM runs on another one."""
        return self.accelerator == "cpu" or is_here(self.splade_url)

    def jobs_at_once(self) -> int:
        """How many jobs are weighed together, at most; they end together.

        Sixteen documents of a dozen chunks are some 3 s on two processors; a GPU is to have several full requests
        waiting.
        """
        return 16 if self.accelerator == "cpu" else 64
