"""The knowledge graph in Neo4j: its schema, writing and reading."""

from .facts import Facts, facts_of, transactions
from .reader import GraphReader
from .restoring import GraphRestorer
from .server import GraphServer
from .writer import GraphWriter, Held

__all__ = ["Facts", "GraphReader", "GraphRestorer", "GraphServer", "GraphWriter", "Held", "facts_of", "transactions"]
