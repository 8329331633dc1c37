"""Wires the index stage."""

from medkg_stagekit import StageService, run

from .settings import IndexSettings
from .stage import OpenSearchIndexStage

stage = StageService("index", OpenSearchIndexStage, IndexSettings)

if __name__ == "__main__":
    run(stage)
