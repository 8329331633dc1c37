"""The artifacts that a new stage can be given, and how much there is of each."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args, get_origin

from medkg_contracts.errors import ConfigurationError
from medkg_contracts.stages import ARTIFACT_TYPES, STAGE_TYPES


class Amount(NamedTuple):
    """How much there is of an artifact: the first thing that a stage can say of it."""

    meaning: str
    expression: str


#: Of the artifacts that are no lists.
_AMOUNTS: Final[Mapping[str, Amount]] = {
    "request": Amount("characters of its document's id", "len(request.doc_id)"),
    "document": Amount("characters of its text", "len(document.text)"),
    "validation": Amount("rules that are broken", "len(validation.violations)"),
    "embeddings": Amount("chunks that have a vector", "len(embeddings.chunk_ids)"),
    "sparse_vectors": Amount("chunks that have one", "len(sparse_vectors.vectors)"),
    "entities": Amount("things that it is about or names", "len(entities.entities)"),
    "claims": Amount("statements that it makes", "len(claims.claims)"),
    "index_receipt": Amount("chunks that were written", "index_receipt.chunks"),
    "graph_receipt": Amount("nodes that were written", "graph_receipt.nodes"),
}


#: What the stages of topologies are called that are not called as their types.
_CALLED: Final[Mapping[str, str]] = {"SparseEmbedStage": "expand"}


def require_known(name: str) -> None:
    """Make sure that the artifact's type is known.

    Raises:
        ConfigurationError: no type of stage takes or makes it.
    """
    if name not in ARTIFACT_TYPES:
        raise ConfigurationError(
            f"no stage of a known type makes {name!r}, so its type is not known",
            remedy=f"There are {', '.join(f'{name} ({source(kind)})' for name, kind in ARTIFACT_TYPES.items())}. "
            "A parameter for what another stage of yours makes is added to `execute` by hand.",
        )


def amount(name: str) -> Amount:
    """How much there is of it."""
    return _AMOUNTS.get(name) or Amount("how many there are", f"len({name})")


def is_list(kind: Any) -> bool:  # noqa: ANN401 - a type
    """Whether it is a list of something."""
    return get_origin(kind) is list


def element(kind: Any) -> type:  # noqa: ANN401 - a type
    """The class that has to be imported for it."""
    found: type = get_args(kind)[0] if is_list(kind) else kind
    return found


def source(kind: Any) -> str:  # noqa: ANN401 - a type
    """How it is written in code."""
    return f"list[{element(kind).__name__}]" if is_list(kind) else element(kind).__name__


def producers(names: Sequence[str]) -> list[str]:
    """The stages, as they are usually called, that make these artifacts, in the order of the pipeline."""
    return [
        _CALLED.get(kind.name) or kind.name.removesuffix("Stage").lower()
        for kind in STAGE_TYPES.values()
        if set(names) & set(kind.outputs) and kind.name != "ExpandStage"
    ]
