"""How documents are cut: what the settings say, and what a topology says instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from medkg_contracts.errors import ConfigurationError
from medkg_contracts.model import Contract, OptionValue
from pydantic import Field, ValidationError

Strategy = Annotated[Literal["sentences", "section"], Field(description="sentences or section")]
MaxTokens = Annotated[int, Field(ge=16, le=8192, description="a whole number from 16 to 8192")]
SectionTokens = Annotated[int | None, Field(ge=16, le=8192, description="a whole number from 16 to 8192")]

#: Options that only one strategy heeds.
_ONLY: Final[Mapping[str, str]] = {"section_tokens": "section"}

#: The first chunker went through Haystack and its chunks were these: with another name the chunks of all documents
#: would get other ids.
_SENTENCES: Final = "haystack/1"


class Options(Contract):
    """How documents are cut.

    Attributes:
        strategy: ``sentences`` fills chunks with whole sentences and rows of tables; ``section`` makes one chunk of a
            section that is short enough, and cuts the others in the same way.
        max_tokens: no chunk has more, but for a section that `section_tokens` lets be whole.
        section_tokens: a section of at most so many is one chunk; None for twice `max_tokens`.
    """

    strategy: Strategy
    max_tokens: MaxTokens
    section_tokens: SectionTokens

    @property
    def whole(self) -> int:
        """A section of at most so many tokens is one chunk."""
        return 2 * self.max_tokens if self.section_tokens is None else self.section_tokens

    @property
    def label(self) -> str:
        """What the ids of all chunks that are cut so have in common."""
        if self.strategy == "sentences":
            return f"{_SENTENCES}/{self.max_tokens}"
        return f"section/1/{self.max_tokens}/{self.whole}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The options that hold for a job, and where they stand.

    Attributes:
        said: what its topology says; the settings say the rest.
        topology: its name.
    """

    options: Options
    said: Mapping[str, OptionValue]
    topology: str

    def refusal(self, name: str, why: str) -> ConfigurationError:
        """The error of an option that cannot be as it is."""
        if name not in self.said:
            return ConfigurationError(f"MK_CHUNK_{name.upper()}: {why}")
        return ConfigurationError(
            f"topology {self.topology!r}, option {name!r} of the chunk stage: {why}",
            remedy=f"Correct the stage's `options` in the topology {self.topology!r}, then "
            "`medkg job rerun JOB --latest`.",
        )


def chosen(settings: Options, said: Mapping[str, OptionValue], topology: str) -> Chosen:
    """The settings' options, with what a topology says in their place.

    Raises:
        ConfigurationError: an option has no effect, is none of what it may be or contradicts another; the message names
            it, and where it stands.
    """
    plain = Chosen(settings, said, topology)
    try:
        options = Options.model_validate(settings.model_dump() | dict(said), strict=True)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        may_be = Options.model_fields[name].description
        raise plain.refusal(name, f"it is {said[name]!r}, and may be {may_be}") from None
    found = Chosen(options, said, topology)
    for name in sorted(said):
        if (strategy := _ONLY.get(name, options.strategy)) != options.strategy:
            why = f"it has no effect with the strategy {options.strategy!r}, only with {strategy!r}"
            raise found.refusal(name, why)
    _consistent(found)
    return found


def _consistent(found: Chosen) -> None:
    options = found.options
    if options.strategy == "section" and (options.section_tokens or options.max_tokens) < options.max_tokens:
        raise found.refusal(
            "section_tokens",
            f"it is {options.section_tokens}, and may not be less than max_tokens, {options.max_tokens}",
        )
