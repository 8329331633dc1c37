"""Settings of whoever embeds stored chunks again."""

from medkg_models.dense_opening import DenseSettings
from medkg_search.settings import SearchSettings
from medkg_servicekit.accelerator import AcceleratedSettings


class ReembeddingSettings(SearchSettings, AcceleratedSettings, DenseSettings):
    """Where the stores are, and how chunks become vectors; as the embed stage has it.

    Attributes:
        embed_truncate: chunks that are longer than the model takes are cut, and counted; else they are failures.
    """

    embed_truncate: bool = False
