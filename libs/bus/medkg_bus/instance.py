"""Which process this is: one name in the events that it writes, in its consumer groups, and in `medkg consumers`."""

import os
import socket
from typing import Final

#: MK_INSTANCE, or else ``<host>:<pid>``. It is this process's alone, so it is not read from ``.env``.
INSTANCE: Final = os.environ.get("MK_INSTANCE") or f"{socket.gethostname()}:{os.getpid()}"


def client_id(group: str) -> str:
    """What this process calls itself as a member of the consumer group: ``medkg.chunk.<instance>``."""
    return f"{group}.{INSTANCE}"


def instance_of(group: str, client_id: str) -> str:
    """The instance that a member of the group is: its client id as it stands, where medkg did not make it."""
    return client_id.removeprefix(f"{group}.")
