"""What keeps Redis from doing what the ledger asks, and what a person does about it. Pure.

None of it is the fault of a job, and all of it ends when somebody mends Redis: whoever asks waits, and loses nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from medkg_contracts.errors import LedgerUnavailable
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
)


class Trouble(NamedTuple):
    """What is wrong with Redis, and what to do about it."""

    what: str
    remedy: str


_CLUSTER: Final = Trouble(
    "is a cluster, or part of one that is down",
    "Point MK_REDIS_URL at a Redis of its own: the ledger needs a single one.",
)

#: By the class that the client gives an error; the first that fits.
_CLASSES: Final[Sequence[tuple[type[Exception], Trouble]]] = (
    (
        OutOfMemoryError,
        Trouble(
            "is out of memory",
            "Give Redis more memory: raise `maxmemory` (`CONFIG SET maxmemory`, and in its configuration). Keep "
            "`maxmemory-policy noeviction`: any other deletes jobs. Everything goes on by itself then.",
        ),
    ),
    (
        ReadOnlyError,
        Trouble(
            "is a read-only replica",
            "Point MK_REDIS_URL at the primary, or make this one the primary: `REPLICAOF NO ONE`.",
        ),
    ),
    (
        BusyLoadingError,
        Trouble("is loading its data", "Wait until Redis has read its files; its log tells how far it is."),
    ),
    (
        AuthenticationError,
        Trouble("refuses the password", "Give MK_REDIS_URL the user and the password that Redis asks for."),
    ),
    (
        NoPermissionError,
        Trouble(
            "does not let its user do this", "Let the user of MK_REDIS_URL use all commands on the keys `medkg:*`."
        ),
    ),
    (
        MasterDownError,
        Trouble("is a replica that has lost its primary", "Point MK_REDIS_URL at the primary, and see that it runs."),
    ),
    (ClusterDownError, _CLUSTER),
    (ClusterCrossSlotError, _CLUSTER),
    (AskError, _CLUSTER),
)

#: By the first word of an error that the client gives no class.
_WORDS: Final[Mapping[str, Trouble]] = {
    "MISCONF": Trouble(
        "cannot save its data, and takes no writes until it can",
        "Free some of Redis's disk, or let it write there; its log says why it could not save.",
    ),
    "NOREPLICAS": Trouble(
        "takes no writes without its replicas", "Start its replicas, or lower `min-replicas-to-write`."
    ),
    "WRONGTYPE": Trouble(
        "has something else where the ledger's data should be",
        "Find who else writes keys `medkg:*` into this Redis; then rebuild the ledger: `medkg ledger rebuild --wipe`.",
    ),
    "BUSY": Trouble("is held up by somebody's script", "Wait, or end the script: `SCRIPT KILL`."),
}


def unavailable(error: Exception) -> LedgerUnavailable:
    """The error that the ledger raises for what came of a call of Redis."""
    text = str(error) or type(error).__name__
    trouble = next((trouble for kind, trouble in _CLASSES if isinstance(error, kind)), None)
    trouble = trouble or _WORDS.get(text.partition(" ")[0])
    if trouble is None:
        return LedgerUnavailable(f"Redis: {text}")
    return LedgerUnavailable(f"Redis {trouble.what}: {text}", remedy=trouble.remedy)
