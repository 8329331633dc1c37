"""Stage types, as their protocols declare them."""

from medkg_contracts.ir import Chunk, Document, IndexReceipt, RawPayload
from medkg_contracts.knowledge import Claims, Entities, GraphReceipt
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import ARTIFACT_TYPES, STAGE_TYPES, StageType
from medkg_contracts.vectors import Embeddings, SparseVectors


def test_a_type_takes_and_makes_what_its_protocol_says() -> None:
    """Inputs are the parameters' names, the context is none of them; what may be None is optional."""
    found = [STAGE_TYPES[name] for name in ("ExpandStage", "IndexStage", "ExtractStage")]

    assert [
        StageType("ExpandStage", ("request",), ("expansion",)),
        StageType(
            "IndexStage",
            ("document", "chunks", "embeddings", "sparse_vectors", "entities"),
            ("index_receipt",),
            frozenset({"embeddings", "sparse_vectors", "entities"}),
        ),
        StageType("ExtractStage", ("payloads", "document", "chunks"), ("entities", "claims")),
    ] == found


def test_every_artifact_has_a_type() -> None:
    """What the stages take and make is known by name and type; of a batch, the type is that of one job."""
    expected = {
        "request": JobRequest,
        "payloads": list[RawPayload],
        "document": Document,
        "chunks": list[Chunk],
        "entities": Entities,
        "claims": Claims,
        "graph_receipt": GraphReceipt,
        "embeddings": Embeddings,
        "sparse_vectors": SparseVectors,
        "index_receipt": IndexReceipt,
    }

    assert expected == {name: ARTIFACT_TYPES[name] for name in expected}
    made = {name for kind in STAGE_TYPES.values() for name in (*kind.inputs, *kind.outputs)}
    assert {"expansion"} == made - ARTIFACT_TYPES.keys()
