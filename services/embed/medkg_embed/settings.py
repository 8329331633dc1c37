"""The embed stage's settings."""

from medkg_models.dense_opening import DenseSettings
from medkg_servicekit.accelerator import AcceleratedSettings, is_here


class EmbedSettings(AcceleratedSettings, DenseSettings):
    """How chunks are embedded.

    Attributes:
        embed_truncate: chunks that are longer than the model takes are cut, and reported as such; else they fail.
    """

    embed_truncate: bool = False

    def needs_gpu_here(self) -> bool:
        """Whether this machine has to have what MK_ACCELERATOR names; not where the endpoint is on another one."""
        return self.accelerator == "cpu" or is_here(self.embed_url)

    def jobs_at_once(self) -> int:
        """How many jobs are embedded together, at most; they end together.

        Eight documents of a dozen chunks are 3 to 4 s on two processors. A GPU takes as many in a fraction of a second,
        and is to have several full requests waiting.
        """
        return 8 if self.accelerator == "cpu" else 64
