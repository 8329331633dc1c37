"""Builds indexes in a thread of its own, beside whoever searches and whoever brings changes."""

from threading import Event, Thread

from .view import VectorView


class Builder:
    """One thread that builds what a view needs, when it is told to look.

    It is a daemon: a build that FAISS is in the middle of does not keep the process from ending.
    """

    def __init__(self) -> None:
        self._look, self._stopping = Event(), Event()
        self._view: VectorView | None = None
        self._thread: Thread | None = None

    def look(self, view: VectorView) -> None:
        """See whether an index of this view has to be built, as soon as the last one is."""
        self._view = view
        if self._thread is None:
            self._thread = Thread(target=self._run, name="vector-indexes", daemon=True)
            self._thread.start()
        self._look.set()

    def stop(self) -> None:
        """Give up what is being built, and build no more."""
        self._stopping.set()
        self._look.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._look.wait()
            self._look.clear()
            if self._view is not None:
                self._build(self._view)

    def _build(self, view: VectorView) -> None:
        view.build_indexes(lambda: self._stopping.is_set() or self._view is not view)
