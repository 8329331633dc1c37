"""Live models that were told, and that searches do not use before the vectors that they need have been read."""

from collections.abc import Mapping, Sequence

from medkg_contracts.changelog import LiveModel


class HeldModels:
    """What is held back.

    Attributes:
        ends: up to where the partitions have to be read; None while nobody has looked since the last one came.
    """

    def __init__(self) -> None:
        self._models: list[LiveModel] = []
        self.ends: Mapping[int, int] | None = None

    def __bool__(self) -> bool:
        """Whether something is held back."""
        return bool(self._models)

    def add(self, model: LiveModel) -> None:
        """Hold one back."""
        self._models.append(model)
        self.ends = None

    def all(self) -> Sequence[LiveModel]:
        """Those that are held back, as they came."""
        return tuple(self._models)

    def reached(self, positions: Mapping[int, int]) -> bool:
        """Whether all that stood before them has been read."""
        if not self._models or self.ends is None:
            return False
        return all(positions.get(partition, 0) >= end for partition, end in self.ends.items())
