"""Wires the chunk stage."""

from medkg_stagekit import StageService, run

from .settings import ChunkSettings
from .stage import HaystackChunkStage

stage = StageService("chunk", HaystackChunkStage, ChunkSettings)

if __name__ == "__main__":
    run(stage)
