"""How documents are cut: what the settings say, and what a topology says instead."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from medkg_contracts.errors import ConfigurationError
from medkg_contracts.model import Contract, OptionValue
from pydantic import Field, ValidationError

Strategy = Annotated[Literal["sentences", "section", "semantic"], Field(description="sentences, section or semantic")]
MaxTokens = Annotated[int, Field(ge=16, le=8192, description="a whole number from 16 to 8192")]
SectionTokens = Annotated[int | None, Field(ge=16, le=8192, description="a whole number from 16 to 8192")]
MinTokens = Annotated[int | None, Field(ge=0, le=4096, description="a whole number from 0 to 4096")]
BreakPercentile = Annotated[float, Field(ge=0, le=50, description="a number from 0 to 50")]
ModelName = Annotated[str, Field(max_length=200, description="a model's name")]

#: Options that only one strategy heeds.
_ONLY: Final[Mapping[str, str]] = {
    "section_tokens": "section",
    "min_tokens": "semantic",
    "break_percentile": "semantic",
    "model": "semantic",
}


class Options(Contract):
    """How documents are cut.

    Attributes:
        strategy: ``sentences`` fills chunks with whole sentences and rows of tables; ``section`` makes one chunk of a
            section that is short enough, and cuts the others in the same way; ``semantic`` ends chunks where the text
            turns to something else.
        tokenizer: the model whose tokens are counted; empty for the chunker's own.
        max_tokens: no chunk has more, but for a section that `section_tokens` lets be whole; of a model's tokens,
            those that it adds to each text count as well.
        section_tokens: a section of at most so many is one chunk; None for as many as the tokenizer's model takes, or
            for half as many again as `max_tokens` where there is none.
        min_tokens: a chunk that ends where the text turns to something else has at least so many; None for a quarter of
            `max_tokens`.
        break_percentile: of a hundred places between sentences, at so many the text turns to something else.
        model: whose embeddings of the sentences tell that; empty for the accelerator's own default.
    """

    strategy: Strategy
    tokenizer: ModelName
    max_tokens: MaxTokens
    section_tokens: SectionTokens
    min_tokens: MinTokens
    break_percentile: BreakPercentile
    model: ModelName


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

    def require_one_of(self, name: str, names: Collection[str] | None) -> None:
        """Make sure that the option is empty or one of the names, where they are known.

        Raises:
            ConfigurationError: it is not.
        """
        value = getattr(self.options, name)
        if value and names is not None and value not in names:
            raise self.refusal(name, f"it is {value!r}, and may be {', '.join(sorted(names))}")

    def require_at_most(self, name: str, limit: int | None) -> None:
        """Make sure that the tokenizer's model takes as many tokens as the option says, where that is known.

        Raises:
            ConfigurationError: it does not.
        """
        value = getattr(self.options, name)
        if value is not None and limit is not None and value > limit:
            raise self.refusal(name, f"it is {value}, and {self.options.tokenizer} takes at most {limit} tokens")


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
    options, most = found.options, found.options.max_tokens
    if options.strategy == "section" and options.section_tokens is not None and options.section_tokens < most:
        why = f"it is {options.section_tokens}, and may not be less than max_tokens, {most}"
        raise found.refusal("section_tokens", why)
    if options.strategy == "semantic" and options.min_tokens is not None and options.min_tokens > most // 2:
        why = f"it is {options.min_tokens}, and may be at most half of max_tokens, {most}"
        raise found.refusal("min_tokens", why)
