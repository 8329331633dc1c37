"""The settings of the command: where the servers are, and where this machine keeps its own stack."""

from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from medkg_contracts.errors import ConfigurationError
from medkg_contracts.model import first_violation
from medkg_contracts.settings import Settings
from medkg_operations.settings import StoreSettings
from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

SettingsT = TypeVar("SettingsT", bound=Settings)


class CliSettings(StoreSettings):
    """What only the command needs.

    Attributes:
        asyncapi: the folder with the AsyncAPI documents, from which topics are created.
        stack_root: where the local servers and services keep their data, logs and pid files.
        stack: what `up`, `demo` and `down` start and stop: processes of this machine, or containers (`composed`).
        accelerator: what the services run their models on; None when nobody has chosen.
        replay_port: of the local replay server.
        ctgov_url: whom ingest asks; None when nobody has set it, which makes the local stack ask replay.
        ctgov_rate: how many requests a second it may send; None when nobody has set it.
    """

    model_config = SettingsConfigDict(populate_by_name=True)

    asyncapi: Path = Field(Path("asyncapi"), validation_alias="MK_ASYNCAPI")
    stack_root: Path = Field(Path(".medkg"), validation_alias="MK_STACK_ROOT")
    stack: Literal["processes", "compose"] = Field("processes", validation_alias="MK_STACK")
    accelerator: Literal["cuda", "cpu"] | None = Field(None, validation_alias="MK_ACCELERATOR")
    replay_port: int = Field(8765, validation_alias="MK_REPLAY_PORT", ge=1, le=65535)
    ctgov_url: str | None = Field(None, validation_alias="MK_CTGOV_URL")
    ctgov_rate: float | None = Field(None, validation_alias="MK_CTGOV_RATE")

    @property
    def search_port(self) -> int:
        """Where the local search service answers: at the port of the address that searches ask."""
        address = urlsplit(self.search_url)
        return address.port or (443 if address.scheme == "https" else 80)

    @property
    def replay_url(self) -> str:
        """Where the local replay server answers."""
        return f"http://127.0.0.1:{self.replay_port}"


def load_settings() -> CliSettings:
    """The settings of the environment and of ``.env``.

    Raises:
        ConfigurationError: one of them is wrong.
    """
    return load(CliSettings)


def load(kind: type[SettingsT]) -> SettingsT:
    """The settings of this kind, of the environment and of ``.env``.

    Raises:
        ConfigurationError: one of them is wrong.
    """
    try:
        return kind()
    except ValidationError as error:
        raise ConfigurationError(f"settings: {first_violation(error)}") from error
