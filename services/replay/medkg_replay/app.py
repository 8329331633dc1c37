"""Runs the replay server until it is asked to stop."""

import signal
import sys

import uvicorn
from medkg_contracts.errors import MedkgError

from .faults import parse_faults
from .recordings import load_recordings
from .server import create_app
from .settings import ReplaySettings

#: Seconds that requests in flight get when the server is asked to stop.
DRAIN_S = 10


def main() -> None:
    """Serve; a SIGTERM lets requests in flight finish and ends the process with status 0."""
    settings = ReplaySettings()
    try:
        app = create_app(load_recordings(settings.recordings), parse_faults(settings.faults))
    except MedkgError as error:
        sys.exit(f"replay: {error}")
    # uvicorn drains and then raises the signal again for the handler that was there before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level.lower(),
        access_log=settings.log_level == "DEBUG",
        timeout_graceful_shutdown=DRAIN_S,
    )


if __name__ == "__main__":
    main()
