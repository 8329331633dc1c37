"""Models that make vectors of texts: the catalogue, fetching, tokenizers, encoders."""

from .catalogue import CATALOGUE, DEFAULT_DENSE, DenseModel, PackagedModel, named
from .dense import DenseEncoder, Encoded, Matrix
from .fetching import fetched, folder_of
from .tokenizer import ModelTokenizer

# What runs a model is imported by its module: `medkg_models.local` needs OpenVINO, `medkg_models.endpoint` does not.

__all__ = [
    "CATALOGUE",
    "DEFAULT_DENSE",
    "DenseEncoder",
    "DenseModel",
    "Encoded",
    "Matrix",
    "ModelTokenizer",
    "PackagedModel",
    "fetched",
    "folder_of",
    "named",
]
