"""Settings of whoever writes or asks the search index."""

from medkg_contracts.settings import Settings


class SearchSettings(Settings):
    """Where the search index is, besides the other servers.

    Attributes:
        opensearch_url: OpenSearch's address.
    """

    opensearch_url: str = "http://127.0.0.1:9200"
