"""Wires the chunk stage."""

from medkg_stagekit import Compute, StageService, run

from .settings import ChunkSettings
from .stage import SentenceChunkStage

stage = StageService("chunk", SentenceChunkStage, ChunkSettings, compute=Compute())

if __name__ == "__main__":
    run(stage)
