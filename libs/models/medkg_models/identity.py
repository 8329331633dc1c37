"""By what vectors are known: the model, and what every passage was preceded by."""

import hashlib

from medkg_contracts.vectors import EmbeddingModel


def with_passage_instruction(model: EmbeddingModel, instruction: str) -> EmbeddingModel:
    """The model, if passages are preceded by this: other vectors come of it, which none without it compare with."""
    if not instruction:
        return model
    revision = hashlib.sha256(f"{model.revision}\n{instruction}".encode()).hexdigest()
    return model.model_copy(update={"revision": revision})
