"""How stage classes bind to artifacts, and why they do not."""

# ruff: noqa: D102 - the methods are those that every stage has

from collections.abc import Sequence
from typing import ClassVar

import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.requests import JobRequest
from medkg_contracts.settings import Settings
from medkg_contracts.stages import StageContext
from medkg_stagekit import StageService
from medkg_stagekit.binding import bind
from pydantic import Field

from .fakes import Choir, Shout, Unfold, bound


class Named:
    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("one",)


class Two(Named):
    outputs: ClassVar[tuple[str, ...]] = ("one", "two")

    async def execute(self, ctx: StageContext, left: str, right: list[int]) -> tuple[str, int]: ...


class Asking(Named):
    async def execute(self, ctx: StageContext, request: JobRequest, left: str) -> str: ...


class Effectful(Shout):
    pure: ClassVar[bool] = False


class Tuned(Settings):
    loudness: int = Field(1, validation_alias="MK_TEST_LOUDNESS")


def test_parameters_are_inputs_and_the_returned_tuple_are_outputs():
    """A stage's inputs are its parameters' names, its outputs the names that it declares, each with its type."""
    binding = bound(Two())

    assert ["left", "right"] == list(binding.inputs)
    assert ["one", "two"] == list(binding.outputs)
    assert [1, 2] == binding.inputs["right"].read(b"[1, 2]")


def test_the_request_is_no_artifact():
    """A parameter named ``request`` is the job's own request."""
    binding = bound(Asking())

    assert (True, ["left"]) == (binding.takes_request, list(binding.inputs))


def test_a_batch_is_a_sequence_of_the_type():
    """``Sequence[T]`` among a batch's parameters is an artifact of type T, and its errors are no results."""
    binding = bound(Choir())

    assert (True, False) == (binding.batched, binding.expands)
    assert "hello" == binding.inputs["word"].read(b'"hello"')
    assert b'"HELLO"' == binding.outputs["shout"].write("HELLO")


def test_a_generator_expands():
    """An asynchronous generator gives requests rather than artifacts, and is never skipped."""
    binding = bound(Unfold(1))

    assert (True, False, {}) == (binding.expands, binding.pure, binding.outputs)


@pytest.mark.parametrize(("stage", "expected"), [(Shout(), True), (Effectful(), False)])
def test_a_stage_is_pure_unless_it_says_otherwise(stage, expected):
    """A stage whose outputs are its only effect needs to say nothing."""
    assert expected == bound(stage).pure


class NoMethod(Named):
    pass


class NoVersion:
    outputs: ClassVar[tuple[str, ...]] = ("one",)

    async def execute(self, ctx: StageContext) -> str: ...


class NoOutputs:
    version: ClassVar[str] = "1"

    async def execute(self, ctx: StageContext) -> str: ...


class Unannotated(Named):
    async def execute(self, ctx: StageContext, left) -> str: ...


class Unreturned(Named):
    async def execute(self, ctx: StageContext): ...


class TooFew(Two):
    async def execute(self, ctx: StageContext) -> str: ...


class TooMany(Two):
    async def execute(self, ctx: StageContext) -> tuple[str, str, str]: ...


class Single(Named):
    async def execute_batch(self, ctxs: Sequence[StageContext], left: str) -> Sequence[str]: ...


class SingleResult(Named):
    async def execute_batch(self, ctxs: Sequence[StageContext]) -> str: ...


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (NoMethod(), "NoMethod has neither execute nor execute_batch"),
        (NoVersion(), "NoVersion has no class attribute 'version'"),
        (NoOutputs(), "NoOutputs has no class attribute 'outputs'"),
        (Unannotated(), "Unannotated: 'left' has no annotation, so its type is not known"),
        (Unreturned(), "Unreturned: 'return' has no annotation, so its type is not known"),
        (TooFew(), "the stage returns 1 values but names the outputs one, two"),
        (TooMany(), "the stage returns 3 values but names the outputs one, two"),
        (Single(), r"execute_batch takes and returns sequences, one element a job, not <class 'str'>"),
        (SingleResult(), r"execute_batch takes and returns sequences, one element a job, not <class 'str'>"),
    ],
)
def test_what_is_no_stage_is_refused(stage, message):
    """A class that cannot be a stage is refused when the service starts; the message says what is missing."""
    with pytest.raises(ConfigurationError, match=message):
        bound(stage)


class Louder(Shout):
    version: ClassVar[str] = "2"


@pytest.mark.parametrize(
    "other",
    [
        bind("shout", Louder(), Tuned()),
        bind("whisper", Shout(), Tuned()),
        bind("shout", Shout(), Tuned(MK_TEST_LOUDNESS=2)),
    ],
)
def test_another_version_name_or_setting_is_another_run(other):
    """What a stage's version, service or own settings change is never taken from an earlier run."""
    binding = bind("shout", Shout(), Tuned())

    assert binding.run_key(b"", {"word": "0" * 64}, {}) != other.run_key(b"", {"word": "0" * 64}, {})


def test_another_option_is_another_run():
    """What the topology asks of the stage is part of the run; without options nothing changes."""
    binding = bound(Shout())
    keys = [binding.run_key(b"", {}, options) for options in ({}, {"loud": True}, {"loud": False}, {"loud": "True"})]

    assert len(keys) == len(set(keys))


def test_a_servers_address_is_no_other_run():
    """Settings that every service has say where servers are, not what a stage makes."""
    one, other = [bind("shout", Shout(), Tuned(kafka=address)) for address in ("a:1", "b:2")]

    assert one.run_key(b"", {}, {}) == other.run_key(b"", {}, {})


def test_only_a_stage_that_takes_the_request_runs_again_for_another():
    """Two requests that lead to the same inputs are one run, unless the stage reads the request."""
    shout, asking = bound(Shout()), bound(Asking())

    assert shout.run_key(b"one", {}, {}) == shout.run_key(b"two", {}, {})
    assert asking.run_key(b"one", {}, {}) != asking.run_key(b"two", {}, {})


def test_a_service_makes_its_stage_from_the_environment(monkeypatch):
    """The stage's class is given settings that were read when the service started."""
    monkeypatch.setenv("MK_TEST_LOUDNESS", "7")
    made = []

    class Loud(Shout):
        def __init__(self, settings: Tuned) -> None:
            super().__init__()
            made.append(settings.loudness)

    binding = StageService("loud", Loud, Tuned).bind()

    assert ("loud", [7]) == (binding.name, made)


@pytest.mark.parametrize(
    ("accelerated", "expected"), [(True, True), (False, False), (lambda settings: settings.log_level == "ALOUD", True)]
)
def test_whether_a_service_runs_a_model_may_hang_on_its_settings(monkeypatch, accelerated, expected):
    """A service runs a model always, never, or as its settings say."""
    monkeypatch.setenv("MK_LOG_LEVEL", "ALOUD")

    assert expected == StageService("shout", Shout, Settings, accelerated=accelerated).is_accelerated
