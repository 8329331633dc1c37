"""Whether a consumer gets on."""

from time import monotonic

from medkg_bus.progress import Progress
from medkg_bus.shutdown import ShutdownSignal


def test_a_long_batch_is_progress_until_it_is_too_long():
    """A batch may take its time; a service is stuck only when it takes longer than it may."""
    calm, late = Progress(60, ShutdownSignal()), Progress(-1, ShutdownSignal())
    for progress in (calm, late):
        progress.batch("a batch", began=True)

    assert 0.0 == calm.stuck_for
    assert 1.0 <= late.stuck_for

    late.batch("a batch", began=False)
    assert 0.0 == late.stuck_for


async def test_a_deliberate_wait_is_progress():
    """A batch that waits on purpose is not stuck, however old it is; one that has stopped waiting soon is."""
    shutdown = ShutdownSignal()
    progress = Progress(-1, shutdown)
    progress.batch("a batch", began=True)
    before = progress.stuck_for

    shutdown.waited_at = monotonic() + 10

    assert (True, 0.0) == (before >= 1.0, progress.stuck_for)
