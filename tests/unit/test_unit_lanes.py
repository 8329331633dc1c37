"""Two commands side by side, as `make test` runs its lanes."""

import os
import sys
from io import BytesIO
from pathlib import Path

import pytest

from tests.lanes import ending, side_by_side

LIST = "=== tests that cost more than they may: 2 s ==="


def says(*lines: str, code: int = 0) -> list[str]:
    """A command that prints lines and ends with a code."""
    return [sys.executable, "-c", f"import sys; print(*{lines}, sep='\\n'); sys.exit({code})"]


def test_the_outputs_do_not_mix() -> None:
    """What is kept comes whole, after what is shown."""
    out = BytesIO()
    side_by_side(says("a", "b"), says("c", "d"), out)

    assert out.getvalue().startswith(b"a\nb\nc\nd\n")


def test_the_output_ends_with_the_endings_of_both() -> None:
    """The list and the closing line of the command that was shown stand again below those of the other."""
    out = BytesIO()
    side_by_side(says("1", LIST, "first"), says("2", LIST, "second"), out)

    assert [LIST, "second", LIST, "first"] == out.getvalue().decode().splitlines()[-4:]


@pytest.mark.parametrize(("first", "second", "expected"), [(0, 0, 0), (3, 0, 3), (0, 4, 4)])
def test_either_command_can_fail_the_whole(first: int, second: int, expected: int) -> None:
    """A failure counts, whichever command it is."""
    assert expected == side_by_side(says("", code=first), says("", code=second), BytesIO())


def test_both_run_at_the_same_time(tmp_path: Path) -> None:
    """A command may wait for the other one, whichever it is."""
    pipes = [str(tmp_path / name) for name in ("to-first", "to-second")]
    for pipe in pipes:
        os.mkfifo(pipe)
    hears_first = f"print(open({pipes[0]!r}).read()); open({pipes[1]!r}, 'w').write('pong')"
    speaks_first = f"open({pipes[0]!r}, 'w').write('ping'); print(open({pipes[1]!r}).read())"
    out = BytesIO()
    side_by_side([sys.executable, "-c", hears_first], [sys.executable, "-c", speaks_first], out)

    assert out.getvalue().startswith(b"ping\npong\n")


def test_a_run_without_a_list_ends_with_its_last_lines() -> None:
    """A run that broke off says why in its last lines."""
    assert b"3\n4\n5\n6\n7\n" == ending(b"".join(b"%d\n" % number for number in range(1, 8)))
