"""Settings of whoever works with all that medkg keeps."""

from medkg_graph.settings import GraphSettings
from medkg_search.settings import SearchSettings


class StoreSettings(SearchSettings, GraphSettings):
    """Where all servers are: Kafka, the ledger, the artifacts, the search index and the knowledge graph."""
