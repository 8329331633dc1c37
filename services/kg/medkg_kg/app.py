"""Wires the KG stage."""

from medkg_stagekit import StageService

from .settings import KGSettings
from .stage import Neo4jKGStage

service = StageService(
    "kg",
    Neo4jKGStage,
    KGSettings,
    max_records=16,
    description="Writes what documents say to the knowledge graph",
)

if __name__ == "__main__":
    service.run()
