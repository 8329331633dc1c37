"""The extract stage's settings."""

from typing import Literal

from medkg_claims import LlmSettings
from medkg_vocabulary.settings import VocabularySettings


class ExtractSettings(VocabularySettings, LlmSettings):
    """What is looked for in texts; records are read field by field in any case.

    Attributes:
        extract_names: how names are found in texts: ``tagger``, by the model that comes with medkg; ``dictionary``, by
            the vocabularies alone, which is several times faster and finds less; ``off``, not at all.
    """

    extract_names: Literal["tagger", "dictionary", "off"] = "tagger"
