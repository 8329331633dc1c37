"""Settings of the search service."""

from typing import Annotated, Final, Self

from medkg_contracts.errors import ConfigurationError
from medkg_graph.settings import GraphSettings
from medkg_models.dense_opening import DenseSettings
from medkg_models.sparse_opening import SparseSettings
from medkg_search.hybrid import Arm
from medkg_search.settings import SearchSettings
from medkg_servicekit.accelerator import AcceleratedSettings
from medkg_vectorview import Shard, ViewSettings
from medkg_vocabulary.settings import VocabularySettings
from pydantic import Field, model_validator

#: Where it listens unless it is told otherwise.
PORT: Final = 8770

#: What only this machine reaches.
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=60)]


class SearchServiceSettings(
    SearchSettings,
    GraphSettings,
    ViewSettings,
    AcceleratedSettings,
    DenseSettings,
    SparseSettings,
    VocabularySettings,
):
    """Where the service listens, what its arms are worth, and what a search may cost.

    Attributes:
        host: the address to listen on; ``0.0.0.0`` in a container.
        port: the port to listen on.
        search_embed_urls: further OpenAI-compatible endpoints beside that of ``MK_EMBED_URL``, separated by commas: who
            moves a tenant to another model has the servers of both.
        search_peers: the other search nodes, ``http://host:port`` separated by commas.
        search_bm25_weight: what a rank of this arm is worth beside the others'; 0 switches the arm off.
        search_splade_weight: likewise; half, since two arms look for words (ADR 0039).
        search_dense_weight: likewise.
        search_depth: hits that each arm contributes at most.
        search_arm_timeout_s: seconds that an arm may take; without it the answer is partial.
        search_peer_timeout_s: seconds that another node may take.
        search_timeout_s: seconds that a request may take.
        search_rerank_url: a server with vLLM's ``/rerank``; empty for no second look.
        search_rerank_model: as that server calls it.
        search_rerank_hits: hits that it looks at.
        search_rerank_timeout_s: seconds that it may take; without it the hits stay as they are.
        search_graph_timeout_s: seconds that a question about the knowledge graph may take.
        search_cypher: whether whoever reaches the service may ask the graph in Cypher, of all tenants: an operator's,
            so that the service has to listen on this machine alone.
    """

    host: str = Field("127.0.0.1", validation_alias="MK_SEARCH_HOST")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(PORT, validation_alias="MK_SEARCH_PORT")
    search_embed_urls: str = ""
    search_peers: str = ""
    search_bm25_weight: Weight = 1.0
    search_splade_weight: Weight = 0.5
    search_dense_weight: Weight = 1.0
    search_depth: Annotated[int, Field(ge=10, le=200)] = 100
    search_arm_timeout_s: Seconds = 5.0
    search_peer_timeout_s: Seconds = 3.0
    search_timeout_s: Seconds = 15.0
    search_rerank_url: str = ""
    search_rerank_model: str = ""
    search_rerank_hits: Annotated[int, Field(ge=1, le=200)] = 50
    search_rerank_timeout_s: Seconds = 2.0
    search_graph_timeout_s: Seconds = 10.0
    search_cypher: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.weights:
            raise ValueError("every arm has the weight 0; MK_SEARCH_BM25_WEIGHT, for one, has to be above it")
        if bool(self.search_rerank_url) != bool(self.search_rerank_model):
            raise ValueError("MK_SEARCH_RERANK_URL and MK_SEARCH_RERANK_MODEL go together: set both, or neither")
        if self.search_cypher and self.host not in _LOOPBACK:
            raise ValueError(
                f"MK_SEARCH_CYPHER shows all tenants' graphs to whoever reaches {self.host}: it needs MK_SEARCH_HOST "
                "127.0.0.1; `medkg graph cypher` asks Neo4j itself"
            )
        return self

    @property
    def weights(self) -> dict[Arm, float]:
        """Of the arms that are on."""
        weights = {
            Arm.BM25: self.search_bm25_weight,
            Arm.SPLADE: self.search_splade_weight,
            Arm.DENSE: self.search_dense_weight,
        }
        return {arm: weight for arm, weight in weights.items() if weight}

    @property
    def shard(self) -> Shard:
        """Which partitions the node holds.

        Raises:
            ConfigurationError: it is not written ``i/n``, or there are others, and nobody says where.
        """
        shard = Shard.parse(self.search_shard)
        if shard.count > 1 and not self.peers:
            raise ConfigurationError(
                f"MK_SEARCH_SHARD is {shard}, and MK_SEARCH_PEERS names no other node",
                remedy="Set MK_SEARCH_PEERS to the addresses of the nodes that have the other parts.",
            )
        return shard

    @property
    def peers(self) -> tuple[str, ...]:
        """The other nodes' addresses."""
        return _parts(self.search_peers)

    @property
    def embed_urls(self) -> tuple[str, ...]:
        """The endpoints that dense models are served at; the first is the embed stage's."""
        return tuple(dict.fromkeys((self.embed_url, *_parts(self.search_embed_urls))))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for each in text.split(",") if (part := each.strip()))
