"""What processes use of the machine, from /proc."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_RSS: Final = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


def cpu_seconds(pid: int) -> float:
    """Processor time that the process has used since it began, all its threads together."""
    # The command's name stands in parentheses and may itself hold spaces and parentheses.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def rss_mb(pid: int) -> float:
    """Resident memory of the process, in MB of 1024 KiB."""
    found = _RSS.search(Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise ProcessLookupError(f"process {pid} has ended")
    return int(found[1]) / 1024


class Meter:
    """Processor time of processes from the moment it was made.

    Args:
        pids: by the name that the report gives them.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before = {name: cpu_seconds(pid) for name, pid in pids.items()}

    def used(self) -> dict[str, float]:
        """Seconds used since then, by name."""
        return {name: cpu_seconds(pid) - self._before[name] for name, pid in self._pids.items()}
