"""Wires the replay server."""

from contextlib import AsyncExitStack

from medkg_servicekit.http import HttpService, HttpWork

from .faults import parse_faults
from .recordings import load_recordings
from .server import create_app
from .settings import PORT, ReplaySettings


async def _work(settings: ReplaySettings, _stack: AsyncExitStack) -> HttpWork:
    return HttpWork(create_app(load_recordings(settings.recordings), parse_faults(settings.faults)))


service = HttpService(
    "replay",
    ReplaySettings,
    _work,
    port=PORT,
    description="Serves recorded answers of real sources at their own paths",
    networks=("sources",),
    image="replay",
)

if __name__ == "__main__":
    service.run()
