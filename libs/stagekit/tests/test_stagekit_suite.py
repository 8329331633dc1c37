"""The shared suite finds stages that do not behave."""

# ruff: noqa: D102 - the methods are those that every stage has

import asyncio
import itertools
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import ClassVar

import pytest
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.settings import Settings
from medkg_contracts.stages import StageContext
from medkg_stagekit import StageService
from medkg_stagekit.testing import Example, StageSuite

from .fakes import Choir, Shout, shouted


def refusing(ctx: StageContext, word: str):
    return InvalidDocument("empty") if not word else shouted(ctx, word)


class _Suite(StageSuite):
    examples = (Example({"word": "one"}), Example({"word": "two"}))
    refused = Example({"word": ""})


class TestShoutSuite(_Suite):
    service = StageService("shout", lambda _: Shout(refusing), Settings)


class TestChoirSuite(_Suite):
    service = StageService("shout", lambda _: Choir(refusing), Settings)


class Packed(str):
    """A word as bytes of its own."""

    __slots__ = ()
    media_type = "text/x-packed"

    def encode(self) -> bytes:  # type: ignore[override]
        return bytes(reversed(super().encode()))

    @classmethod
    def decode(cls, body: bytes) -> "Packed":
        return cls(bytes(reversed(body)).decode())


class Pack(Shout):
    """Makes what is no JSON, and can do without the second of its inputs."""

    async def execute(self, ctx: StageContext, word: str, hint: Packed | None) -> Packed:  # noqa: ARG002
        await asyncio.sleep(0)
        return Packed(f"{word}{hint or ''}")


class TestPackSuite(StageSuite):
    service = StageService("shout", lambda _: Pack(), Settings)
    examples = (Example({"word": "one"}), Example({"word": "two", "hint": Packed("!")}))

    async def test_a_binary_artifact_says_what_it_is(self, harness) -> None:
        """An artifact that is no JSON is kept as its own type writes it, under its media type."""
        (outcome,) = await harness.run(await harness.work(self.examples[1]))

        assert {"shout": b"!owt"} == await harness.made(outcome)
        assert "text/x-packed" == outcome.artifacts["shout"].media_type


class Random(Shout):
    numbers = itertools.count()

    async def execute(self, ctx: StageContext, word: str) -> str:  # noqa: ARG002
        return f"{word}{next(self.numbers)}"


class Blocking(Shout):
    async def execute(self, ctx: StageContext, word: str) -> str:  # noqa: ARG002
        time.sleep(0.01)  # noqa: ASYNC251 - that is what is wrong with it
        return word


class Faulty(Shout):
    async def execute(self, ctx: StageContext, word: str) -> str:  # noqa: ARG002
        return {"": None}.get(word, word)


class Wrecked(Choir):
    async def execute_batch(self, ctxs: Sequence[StageContext], word: Sequence[str]) -> Sequence[str | Exception]:
        self.wrecked = getattr(self, "wrecked", False) or "" in word
        assert len(ctxs) == len(word)
        return [RuntimeError("broken for good") if self.wrecked else one for one in word]


class Unversioned(Shout):
    version: ClassVar[str] = ""


@pytest.mark.parametrize(
    ("stage", "test", "message"),
    [
        (Random, "test_the_same_inputs_make_the_same_bytes", "artifacts: expected"),
        (Blocking, "test_a_passed_timeout_fails_the_job", "code: expected 'timeout', but it is ''"),
        (Faulty, "test_one_bad_job_never_fails_its_mates", "errors that are none of medkg's: expected"),
        (Wrecked, "test_one_bad_job_never_fails_its_mates", "failed jobs: expected"),
        (Unversioned, "test_its_names_are_those_of_its_type", "has a version: expected True"),
    ],
)
async def test_a_stage_that_does_not_behave_is_found(stage, test, message, tmp_path):
    """A stage that breaks a rule fails the inherited test that states it."""
    suite = type("Suite", (_Suite,), {"service": StageService("shout", lambda _: stage(), Settings)})()
    async with AsyncExitStack() as stack:
        harness = await suite._open(stack, tmp_path)
        arguments = [harness, tmp_path] if "bytes" in test else [harness]

        with pytest.raises(AssertionError, match=message):
            await getattr(suite, test)(*arguments)


async def test_a_stage_of_another_type_is_found(tmp_path):
    """A stage whose names are not its type's fails, with both lists."""
    service = StageService("shout", lambda _: Shout(), Settings)
    suite = type("Suite", (_Suite,), {"service": service, "stage_type": "ChunkStage"})()
    async with AsyncExitStack() as stack:
        harness = await suite._open(stack, tmp_path)

        with pytest.raises(AssertionError, match=r"inputs: expected \['document'\], but it is \['word'\]"):
            await suite.test_its_names_are_those_of_its_type(harness)
