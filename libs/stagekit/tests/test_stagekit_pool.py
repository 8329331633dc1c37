"""The pool of worker processes, with real processes."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
from medkg_contracts.errors import MedkgError, StageBug
from medkg_contracts.settings import Settings
from medkg_stagekit.compute import Compute, ComputeSettings, Spec
from medkg_stagekit.invocation import Performed, Task
from medkg_stagekit.pool import WorkerPool, late

from .computing import Reckoner, Unmade
from .fakes import work_of

PATIENCE_S = 60.0


@asynccontextmanager
async def pool(memory_mb: int = 128, stage: type[Reckoner] = Reckoner, **compute: int) -> AsyncIterator[WorkerPool]:
    """A pool that runs."""
    spec = Spec("reckon", stage, Settings(), memory_mb)
    async with WorkerPool(spec, Compute(**{"processes": 1, "slow": 1, **compute})) as running:
        yield running


def task(word: str, job_id: str = "j-1") -> Task:
    work = work_of(job_id=job_id)
    return Task(work, 1, None, {"word": f'"{word}"'.encode()})


async def outcome(running: WorkerPool, word: str, timeout_s: float = PATIENCE_S, job_id: str = "j-1") -> str:
    """What was made of the word, or the error's code."""
    performed, _ = await running.call([task(word, job_id)], timeout_s)
    (result,) = performed.results
    error = performed.error if result is None else result
    return error.code if isinstance(error, MedkgError) else result["shout"].decode().strip('"')


async def pid_of(running: WorkerPool) -> int:
    return int((await outcome(running, "hello")).rpartition(" ")[2])


async def until(condition: Callable[[], object]) -> None:
    deadline = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < deadline, "it never came"
        await asyncio.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether there is such a process, other than as one that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_worker_does_one_call_after_the_other() -> None:
    """Calls are done in another process, which is kept for the next ones."""
    async with pool() as running:
        pids = {await pid_of(running) for _ in range(3)}

        assert 1 == len(pids)
        assert os.getpid() not in pids


async def test_what_never_ends_is_killed() -> None:
    """A computation that passes its timeout fails as such, its process is gone, and the next job has another."""
    async with pool() as running:
        before = await pid_of(running)
        found = await outcome(running, "spin", 0.3)

        assert found in {"compute_timeout", "timeout"}  # the latter where the machine had no processor for it
        assert not runs(before)
        assert before != await pid_of(running)


@pytest.mark.parametrize(("processor_s", "expected"), [(15, ("compute_timeout", False)), (14, ("timeout", True))])
def test_a_timeout_may_be_worth_another_try(processor_s: float, expected: tuple[str, bool]) -> None:
    """One that had a processor for half of its time did not fail for want of it, and would fail again."""
    error = late("reckon", 30, processor_s)

    assert expected == (error.code, error.retryable)


async def test_a_job_that_is_given_up_is_killed(tmp_path: Path) -> None:
    """When nobody waits for a call any more, its process is gone at once."""
    async with pool() as running:
        pid = await pid_of(running)
        call = asyncio.ensure_future(outcome(running, f"spin {tmp_path / 'begun'}"))
        await until((tmp_path / "begun").exists)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        assert not runs(pid)
        assert pid != await pid_of(running)


@pytest.mark.parametrize(
    ("word", "code", "said"),
    [
        ("hoard", "memory_exceeded", "more than 128 MiB"),
        ("abort", "memory_exceeded", "SIGABRT for want of memory: memory allocation of 20971520 bytes failed"),
        ("exit 7", "worker_crashed", "exit code 7"),
        ("segfault", "worker_crashed", "by SIGSEGV"),
        ("unreadable", "bug", "an error that no other process can read"),
        ("refuse nonsense", "document_invalid", "nonsense"),
    ],
)
async def test_an_end_that_is_not_good_is_told(word: str, code: str, said: str) -> None:
    """However a call ends, its error says what happened, and the next call is done."""
    async with pool() as running:
        performed, _ = await running.call([task(word)], PATIENCE_S)
        error = performed.error

        assert error is not None
        assert (code, True) == (error.code, said in str(error)), str(error)
        assert (await outcome(running, "hello")).startswith("HELLO")


async def test_memory_is_bounded_for_each_job_anew() -> None:
    """What one job has used is not counted against the next."""
    async with pool() as running:
        for _ in range(5):
            assert 30_000_000 == len(await outcome(running, "grow 30000000"))


async def test_an_artifact_that_cannot_be_read_fails_its_job() -> None:
    """Bytes that are not what the parameter's type says are that job's error."""
    async with pool() as running:
        performed, _ = await running.call([replace(task("x"), inputs={"word": b"{"})], PATIENCE_S)

        (error,) = performed.results
        assert isinstance(error, MedkgError)
        assert "validation" == error.code


async def test_long_work_makes_room_for_short_work(tmp_path: Path) -> None:
    """Beside as many long jobs as may be aside, short ones go on, in processes that the long ones yield to."""
    async with pool(slow=2) as running:
        long = [asyncio.ensure_future(outcome(running, f"until {tmp_path / 'go'}")) for _ in range(2)]
        short = await asyncio.gather(*(outcome(running, "hello") for _ in range(20)))
        (tmp_path / "go").touch()
        slow = [await each for each in long]

        assert 20 == len(short)
        pids = {each.rpartition(" ")[2] for each in [*short, *slow]}
        assert 3 == len(pids)
        assert not running.full


async def test_a_pool_says_when_long_work_fills_it(tmp_path: Path) -> None:
    """While long jobs hold all places it names them, and what waits goes on as soon as one of them ends."""
    async with pool() as running:
        words = [f"until {tmp_path / name}" for name in ("one", "two")]
        first, second = [
            asyncio.ensure_future(outcome(running, word, job_id=f"j-{number}")) for number, word in enumerate(words)
        ]
        waiting = asyncio.ensure_future(outcome(running, "hello"))
        await until(lambda: running.full)
        full = running.full
        (tmp_path / "one").touch()
        answer = await waiting
        after = running.full
        (tmp_path / "two").touch()
        await asyncio.gather(first, second)

        assert (["j-0", "j-1"], []) == (full, after)
        assert answer.startswith("HELLO")


async def test_waiting_for_a_worker_is_not_the_jobs_time(tmp_path: Path) -> None:
    """A short timeout begins when the work does, and not while others are in the way."""
    async with pool(slow=0) as running:
        long = asyncio.ensure_future(outcome(running, f"until {tmp_path / 'go'}"))
        waiting = asyncio.ensure_future(outcome(running, "hello", 0.8))
        await until(lambda: running.full)
        (tmp_path / "go").touch()

        assert (await waiting).startswith("HELLO")
        await long


async def test_a_worker_that_died_idle_costs_nobody_anything() -> None:
    """A process that was killed between two jobs is replaced before the next one."""
    async with pool() as running:
        pid = await pid_of(running)
        os.kill(pid, 9)
        await until(lambda: not runs(pid))

        assert pid != await pid_of(running)


async def test_a_stage_that_cannot_be_made_shows_at_the_start() -> None:
    """The pool does not start, with the reason."""
    with pytest.raises(StageBug, match="no such model"):
        async with pool(stage=Unmade):
            pass


async def test_closing_ends_what_is_in_work(tmp_path: Path) -> None:
    """A pool that is closed leaves no process behind, whatever it was doing."""
    async with pool() as running:
        pid = await pid_of(running)
        call = asyncio.ensure_future(running.call([task(f"spin {tmp_path / 'begun'}")], PATIENCE_S))
        await until((tmp_path / "begun").exists)
    performed, _ = await call

    assert isinstance(performed, Performed)
    assert not runs(pid)


async def test_no_worker_outlives_the_service() -> None:
    """When the service is killed, a worker that never lets the interpreter go ends with it."""
    script = (
        "import asyncio\n"
        "from tests_of_pool import pool, pid_of, task\n"
        "async def main():\n"
        "    async with pool() as running:\n"
        "        print(await pid_of(running), flush=True)\n"
        "        await running.call([task('spin')], 60)\n"
        "asyncio.run(main())\n"
    ).replace("tests_of_pool", __name__)
    root = Path(__file__).parents[3]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=PIPE, cwd=root)
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    process.kill()
    await process.wait()
    await until(lambda: not runs(pid))


def test_an_operator_may_adjust_the_declaration(monkeypatch: pytest.MonkeyPatch) -> None:
    """MK_COMPUTE_PROCESSES and MK_COMPUTE_MEMORY_MB come before what the stage declares."""
    monkeypatch.setenv("MK_COMPUTE_MEMORY_MB", "1024")

    assert Compute(processes=3, memory_mb=1024) == Compute(processes=3).adjusted(ComputeSettings())
