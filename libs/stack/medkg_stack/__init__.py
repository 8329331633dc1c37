"""The local stack: Kafka, Redis, OpenSearch, Neo4j and our own services as processes of this machine."""

from .cache import Cache
from .kafka import Kafka, KafkaNode, Profile
from .neo4j import Neo4j
from .opensearch import OpenSearch
from .ports import Ports
from .redis import Redis
from .report import Report
from .server import Server, ServerStatus
from .services import SERVICES, Replica, Services
from .stack import SERVERS, Stack

__all__ = [
    "SERVERS",
    "SERVICES",
    "Cache",
    "Kafka",
    "KafkaNode",
    "Neo4j",
    "OpenSearch",
    "Ports",
    "Profile",
    "Redis",
    "Replica",
    "Report",
    "Server",
    "ServerStatus",
    "Services",
    "Stack",
]
