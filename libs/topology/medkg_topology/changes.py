"""What a reload found: a good version, a refusal, or a file that is gone."""

from dataclasses import dataclass

from medkg_contracts.errors import TopologyInvalid

from .problems import Problem, refusal


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file has a new good version, or its version another rollout.

    Attributes:
        file: its path.
        name: the topology's name; ``policies`` and ``admission`` for the files beside the topologies.
        digest: SHA-256 that identifies the version.
        rollout: percentage of new jobs that take it; None when all do.
    """

    file: str
    name: str
    digest: str
    rollout: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A file was refused.

    Attributes:
        file: its path.
        name: the topology's name; ``policies`` and ``admission`` for the files beside the topologies.
        problems: why, in order of line.
        kept: the digest of the version that stays in use; None when there is none.
    """

    file: str
    name: str
    problems: tuple[Problem, ...]
    kept: str | None = None

    @property
    def error(self) -> TopologyInvalid:
        """The error that a job gets when there is no version in use."""
        return refusal(self.problems)


@dataclass(frozen=True, slots=True)
class Removed:
    """A file is gone: new jobs cannot take its topology, and without ``admission.yaml`` its defaults hold.

    Attributes:
        file: its path.
        name: the topology's name, or ``admission``.
    """

    file: str
    name: str


Change = Loaded | Refused | Removed
