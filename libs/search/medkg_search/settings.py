"""Settings of whoever writes or asks the search index."""

from medkg_contracts.settings import Settings


class SearchSettings(Settings):
    """Where the search index is, besides the other servers.

    Attributes:
        opensearch_url: OpenSearch's address.
        search_url: the search service's, which whoever searches asks.
    """

    opensearch_url: str = "http://127.0.0.1:9200"
    search_url: str = "http://127.0.0.1:8770"
