"""What becomes of a network that the memory does not suffice for."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import openvino
import pytest
from medkg_contracts.errors import OutOfMemory
from medkg_models.network import Network, NetworkThreads


class Memory:
    """Has room for so many inputs at once; an input is how much room it takes.

    Attributes:
        tried: inputs, in the order in which they were run.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._together = threading.Barrier(2)
        self.tried: list[int] = []

    def run(self, given: int) -> int:
        """The input's double; the first two are run at the same time."""
        self.tried.append(given)
        beside = len(self.tried) <= 2
        if beside:
            self._together.wait(10)
        if given * (2 if beside else 1) > self._room:
            raise OutOfMemory
        return 2 * given


async def test_what_has_no_room_beside_others_is_run_alone() -> None:
    """Each input has its result, in its place."""
    memory = Memory(room=5)
    threads = NetworkThreads(memory.run, 2, "test")
    made = await threads.each([4, 5, 1])
    threads.close()

    assert [8, 10, 2] == made
    assert [4, 5] == memory.tried[-2:]


async def test_what_has_no_room_alone_is_an_error() -> None:
    """Its neighbours have their results."""
    threads = NetworkThreads(Memory(room=2).run, 2, "test")
    made = await threads.each([1, 3])
    threads.close()

    assert 2 == made[0]
    assert isinstance(made[1], OutOfMemory)


def failing(error: Exception) -> Callable[..., Any]:
    """Raises the error, whatever it is given."""

    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def machine(compile_model: Callable[..., Any]) -> Callable[[], Any]:
    """OpenVINO, as far as a network asks it."""
    return lambda: SimpleNamespace(compile_model=compile_model)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("Exception from src/inference/src/cpp/core.cpp:132:\nLoading input model\nstd::bad_alloc\n"),
        RuntimeError("[CPU] could not execute a primitive: out_of_memory"),
    ],
)
def test_want_of_memory_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Whether the network is loaded or run, and whatever class of error OpenVINO says it by."""
    monkeypatch.setattr(openvino, "Core", machine(failing(error)))
    with pytest.raises(OutOfMemory):
        Network(openvino.Model([], [], "none"), threads=1)

    request = SimpleNamespace(infer=failing(error))
    monkeypatch.setattr(openvino, "Core", machine(lambda *_: SimpleNamespace(create_infer_request=lambda: request)))
    network = Network(openvino.Model([], [], "none"), threads=1)
    with pytest.raises(OutOfMemory):
        network.run({})


def test_another_error_of_openvino_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong shape is a bug, and no want of memory."""
    monkeypatch.setattr(openvino, "Core", machine(failing(RuntimeError("shapes do not fit"))))

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        Network(openvino.Model([], [], "none"), threads=1)
