"""What a reload found: a good version, a refusal, or a file that is gone."""

from dataclasses import dataclass

from medkg_contracts.errors import TopologyInvalid

from .problems import Problem, refusal


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file has a new good version.

    Attributes:
        file: its path.
        name: the topology's name; ``policies`` for the policies file.
        digest: SHA-256 that identifies the version.
    """

    file: str
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A file was refused.

    Attributes:
        file: its path.
        name: the topology's name; ``policies`` for the policies file.
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
    """A file is gone: new jobs cannot take its topology.

    Attributes:
        file: its path.
        name: the topology's name.
    """

    file: str
    name: str


Change = Loaded | Refused | Removed
