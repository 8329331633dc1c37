"""What the replay source has recorded."""

from functools import cache
from pathlib import Path

import medkg_replay
from medkg_replay.recordings import load_recordings


@cache
def _ids() -> tuple[str, ...]:
    folder = Path(medkg_replay.__file__).parent / "recordings"
    return tuple(study.nct_id for study in load_recordings(folder).studies)


def recorded() -> list[str]:
    """The ids of all recorded studies, by rising id."""
    return list(_ids())
