"""Settings of the replay server."""

from pathlib import Path
from typing import Annotated, Final

from medkg_contracts.settings import Settings
from pydantic import Field

#: Where it listens unless it is told otherwise.
PORT: Final = 8765


class ReplaySettings(Settings):
    """Where the replay server listens and what it serves.

    Attributes:
        host: the address to listen on; ``0.0.0.0`` in a container.
        port: the port to listen on.
        recordings: a folder of ``*.jsonl.gz`` that `medkg_replay.pack` made.
        faults: in the notation of `medkg_replay.faults`; empty for none.
    """

    host: str = Field("127.0.0.1", validation_alias="MK_REPLAY_HOST")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(PORT, validation_alias="MK_REPLAY_PORT")
    recordings: Path = Field(Path(__file__).parent / "recordings", validation_alias="MK_REPLAY_RECORDINGS")
    faults: str = Field("", validation_alias="MK_REPLAY_FAULTS")
