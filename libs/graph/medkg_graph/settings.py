"""Settings of whoever writes or asks the knowledge graph."""

from medkg_contracts.settings import Settings
from pydantic import SecretStr

from .server import GraphServer


class GraphSettings(Settings):
    """Where the knowledge graph is, besides the other servers.

    Attributes:
        neo4j_url: Neo4j's address, such as ``bolt://127.0.0.1:7687`` or ``neo4j+s://graph.example.org``; "" where there
            is no knowledge graph.
        neo4j_user: "" where Neo4j asks for no credentials.
        neo4j_password: of the user.
        neo4j_database: which of its databases.
    """

    neo4j_url: str = "bolt://127.0.0.1:7687"
    neo4j_user: str = ""
    neo4j_password: SecretStr = SecretStr("")
    neo4j_database: str = "neo4j"

    def connect(self, timeout_s: float) -> GraphServer:
        """The connection that they describe.

        Raises:
            ConfigurationError: the address is none of Neo4j's.
        """
        return GraphServer(
            self.neo4j_url,
            user=self.neo4j_user,
            password=self.neo4j_password.get_secret_value(),
            database=self.neo4j_database,
            timeout_s=timeout_s,
        )
