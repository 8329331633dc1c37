"""A stage service for tests, run as a process: what it does for a word is in files of the folder ECHO_FOLDER.

``wait-...`` waits until there is a file ``go``; ``block-...`` does so without letting the event loop go. Each start of
a job is a line in ``started``; a job's effect is a file of its own, as an idempotent writer's would be. ``away-...``
fails, as if a server were away, until there is a file ``back``. With ECHO_SERVER=dead it finds no server at its start.
"""

# ruff: noqa: D102 - the methods are those that every stage has

import asyncio
import os
import time
from pathlib import Path
from typing import ClassVar

from medkg_contracts.errors import ModelServerUnavailable, ResourceUnavailable
from medkg_contracts.settings import Settings
from medkg_contracts.stages import StageContext
from medkg_stagekit import StageService, consumer
from pydantic import Field


class EchoSettings(Settings):
    """The folder, and how long a batch may take."""

    folder: Path = Field(validation_alias="ECHO_FOLDER")


class Echo:
    """``word`` in, ``echo`` out."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("echo",)
    pure: ClassVar[bool] = False

    def __init__(self, settings: EchoSettings) -> None:
        self._folder = settings.folder

    async def open(self) -> None:
        if os.environ.get("ECHO_SERVER") == "dead":
            raise ModelServerUnavailable("its model's server does not answer")

    async def execute(self, ctx: StageContext, word: str) -> str:
        with (self._folder / "started").open("a") as file:
            file.write(f"{ctx.job_id}\n")
        if word.startswith("block"):
            self._block()
        if word.startswith("wait"):
            await asyncio.to_thread(self._block)
        if word.startswith("away") and not (self._folder / "back").exists():
            raise ResourceUnavailable("its server is away")
        (self._folder / f"effect-of-{ctx.job_id}").write_text(word)
        return word

    def _block(self) -> None:
        while not (self._folder / "go").exists():
            time.sleep(0.01)


async def _broken(*_: object) -> None:
    raise ZeroDivisionError


if __name__ == "__main__":
    if os.environ.get("ECHO_BROKEN"):
        consumer.StageConsumer.handle = _broken
    StageService(
        os.environ["ECHO_NAME"],
        Echo,
        EchoSettings,
        longest_batch_s=float(os.environ.get("ECHO_LONGEST_S", "60")),
        accelerated="ECHO_ACCELERATED" in os.environ,
    ).run()
