import json
import os
import signal
import sys
from pathlib import Path

import pytest
from medkg_contracts.errors import ConfigurationError, KafkaUnavailable
from medkg_stack.process import Launch, Process

SLEEPS = "import time; print('here', flush=True); time.sleep(600)"
IGNORES_TERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(600)"
)


@pytest.fixture
def process(tmp_path: Path):
    process = Process(tmp_path, "thing", KafkaUnavailable)
    yield process
    process.kill()


def launch(process: Process, code: str, timeout_s: float = 20.0) -> Launch:
    def ready() -> bool:
        return process.log.exists() and b"here" in process.log.read_bytes()

    return Launch([sys.executable, "-c", code], ready, timeout_s, facts={"port": 4711})


def running_pid(process: Process) -> int:
    running = process.running
    assert running is not None
    return running.pid


def test_a_started_process_runs_with_its_facts(process: Process) -> None:
    """After start the process is alive, and its pid file gives back what was kept with it."""
    process.start(launch(process, SLEEPS))

    running = process.running

    assert running is not None
    assert {"port": 4711} == running.facts


def test_starting_twice_keeps_the_first(process: Process) -> None:
    """A second start leaves a running process as it is."""
    process.start(launch(process, SLEEPS))
    first = running_pid(process)

    process.start(launch(process, SLEEPS))

    assert first == running_pid(process)


def test_another_object_of_the_same_name_finds_it(process: Process, tmp_path: Path) -> None:
    """The pid file, not the object that started it, says what runs."""
    process.start(launch(process, SLEEPS))

    assert running_pid(process) == running_pid(Process(tmp_path, "thing"))


def test_it_has_a_session_of_its_own(process: Process) -> None:
    """A Ctrl-C in the starter's terminal does not reach the process."""
    process.start(launch(process, SLEEPS))

    assert running_pid(process) == os.getsid(running_pid(process))


def test_an_end_while_starting_shows_the_log(process: Process) -> None:
    """A process that ends before it is ready fails the start, with its exit code and its last words."""
    with pytest.raises(KafkaUnavailable, match=r"(?s)thing ended while starting \(exit code 3\).*no such disk"):
        process.start(launch(process, "import sys; print('no such disk'); sys.exit(3)"))

    assert process.running is None


def test_a_process_that_is_never_ready_is_ended(process: Process) -> None:
    """A process that does not answer in time fails the start and is not left behind."""
    silent = Launch([sys.executable, "-c", SLEEPS], ready=lambda: False, timeout_s=0.2)

    with pytest.raises(KafkaUnavailable, match=r"thing did not answer within 0\.2 s"):
        process.start(silent)

    assert process.running is None


def test_a_missing_command_is_a_configuration_error(process: Process) -> None:
    """A command that does not exist is named."""
    with pytest.raises(ConfigurationError, match="'/no/such/command'"):
        process.start(Launch(["/no/such/command"], ready=lambda: True, timeout_s=1))


def test_stop_ends_one_that_ignores_sigterm(process: Process) -> None:
    """After the grace a process that does not end by itself is killed."""
    process.start(launch(process, IGNORES_TERM))

    process.stop(grace_s=0.2)

    assert process.running is None


def test_a_suspended_process_runs_and_can_be_killed(process: Process) -> None:
    """A suspended process counts as running, as a hanging one does, and a kill ends it."""
    process.start(launch(process, SLEEPS))

    process.suspend()
    suspended = process.running
    process.kill()

    assert (True, None) == (suspended is not None, process.running)


def test_suspending_what_does_not_run_is_refused(process: Process) -> None:
    """There is nothing to suspend, and it is said so."""
    with pytest.raises(KafkaUnavailable, match="thing does not run"):
        process.suspend()


def test_a_process_killed_by_others_is_seen_as_ended(process: Process) -> None:
    """A process that died without us does not run, though its pid file is there."""
    process.start(launch(process, SLEEPS))
    pid = running_pid(process)

    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    assert process.running is None


def test_a_recycled_pid_is_never_signalled(process: Process, tmp_path: Path) -> None:
    """A pid file whose start time is not that of the process with its pid is of a dead process; the other one lives."""
    process.start(launch(process, SLEEPS))
    other = running_pid(process)
    record = json.loads((tmp_path / "run" / "thing.pid").read_text())
    (tmp_path / "run" / "stale.pid").write_text(json.dumps({**record, "start_ticks": record["start_ticks"] - 1}))

    Process(tmp_path, "stale").kill()

    assert other == running_pid(process)


def test_a_pid_of_an_earlier_boot_is_of_a_dead_process(process: Process, tmp_path: Path) -> None:
    """A pid file from before the machine's restart does not speak of a process of now."""
    process.start(launch(process, SLEEPS))
    record = json.loads((tmp_path / "run" / "thing.pid").read_text())
    (tmp_path / "run" / "stale.pid").write_text(json.dumps({**record, "boot": "another"}))

    assert Process(tmp_path, "stale").running is None


def test_a_damaged_pid_file_is_refused(tmp_path: Path) -> None:
    """A pid file that cannot be read is an error that names it: something may run that we cannot see."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "damaged.pid").write_text("{")

    with pytest.raises(ConfigurationError, match=r"damaged\.pid is not a pid file"):
        _ = Process(tmp_path, "damaged").running


def test_the_log_of_the_start_before_is_kept(process: Process) -> None:
    """A restart begins a new log and keeps the last one, where the reason of a crash stands."""
    process.start(launch(process, "print('first here', flush=True); import time; time.sleep(600)"))
    process.kill()
    process.start(launch(process, SLEEPS))

    assert "first here\n" == process.log.with_suffix(".log.1").read_text()
