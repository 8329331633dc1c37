"""Wires the index stage."""

from medkg_stagekit import StageService

from .settings import IndexSettings
from .stage import OpenSearchIndexStage

# The jobs of a batch end together, and OpenSearch takes 30 ms of a processor to analyse a study: batches of 16 were
# silent for 3 s on a busy machine, and a batch costs less than a study does.
service = StageService(
    "index",
    OpenSearchIndexStage,
    IndexSettings,
    max_records=8,
    description="Writes chunks and their vectors to the search index",
)

if __name__ == "__main__":
    service.run()
