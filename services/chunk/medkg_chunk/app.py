"""Wires the chunk stage."""

from medkg_stagekit import StageService, run

from .settings import ChunkSettings
from .stage import SentenceChunkStage

stage = StageService("chunk", SentenceChunkStage, ChunkSettings)

if __name__ == "__main__":
    run(stage)
