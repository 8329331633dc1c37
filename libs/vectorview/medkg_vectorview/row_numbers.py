"""Which rows of a table are free. One that is given back rests until nobody looks at it any more."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np

from .columns import Numbers


class RowNumbers:
    """Gives out rows, those that were given back first.

    Whoever reads rows without a lock (a search, a snapshot, whoever builds an index) pins them meanwhile: what was
    given back since is not given out before he has ended, so that he sees all rows as they were when he began.

    Attributes:
        size: so many rows were ever given out at once.
    """

    def __init__(self, size: int = 0, free: Numbers | None = None) -> None:
        self.size = size
        self._free: deque[Numbers] = deque([] if free is None or not len(free) else [free])
        self._resting: deque[tuple[int, Numbers]] = deque()
        self._time = 0
        self._pins: Counter[int] = Counter()
        self._lock = Lock()

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """No row that is given back from now on is given out again meanwhile."""
        with self._lock:
            began = self._time
            self._pins[began] += 1
        try:
            yield
        finally:
            with self._lock:
                self._pins[began] -= 1
                if not self._pins[began]:
                    del self._pins[began]

    def take(self, count: int) -> Numbers:
        """So many rows that nobody has."""
        self._rested()
        taken: list[Numbers] = []
        while count and self._free:
            rows = self._free.popleft()
            if len(rows) > count:
                self._free.appendleft(rows[count:])
                rows = rows[:count]
            taken.append(rows)
            count -= len(rows)
        taken.append(np.arange(self.size, self.size + count, dtype=np.int32))
        self.size += count
        return np.concatenate(taken)

    def give_back(self, rows: Numbers) -> None:
        """These are used no more."""
        if len(rows):
            with self._lock:
                self._time += 1
                self._resting.append((self._time, rows))

    def _rested(self) -> None:
        with self._lock:
            oldest = min(self._pins, default=self._time)
            while self._resting and self._resting[0][0] <= oldest:
                self._free.append(self._resting.popleft()[1])
