"""How a stage class binds to artifacts: its parameters' names are its inputs, its annotations their types."""

import hashlib
import inspect
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, get_args, get_origin, get_type_hints

import orjson
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.ids import digest
from medkg_contracts.model import OptionValue
from medkg_contracts.settings import Settings

from .codec import Codec

#: The parameter that is the job's own request rather than an artifact.
REQUEST = "request"


class Stage(Protocol):
    """What every stage class has; it further has either ``execute`` or ``execute_batch``.

    Attributes:
        version: part of what identifies a run; to be raised when the same inputs give other outputs.
        outputs: artifact names, in the order of the returned tuple.
    """

    version: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]


@dataclass(frozen=True)
class Binding:
    """A stage instance with the types of what goes in and comes out.

    Attributes:
        batched: it has ``execute_batch``.
        expands: its ``execute`` is an asynchronous generator of job requests.
        pure: its outputs are its only effect, so that an identical run may be skipped.
        fingerprint: digest of the service's name, the stage's version and its settings.
    """

    name: str
    stage: Any
    inputs: Mapping[str, Codec]
    outputs: Mapping[str, Codec]
    options: frozenset[str]
    takes_request: bool
    batched: bool
    expands: bool
    pure: bool
    fingerprint: str = field(repr=False)

    def run_key(self, request: bytes, inputs: Mapping[str, str], options: Mapping[str, OptionValue]) -> str:
        """What identifies a run: the stage, its version, settings and options, and its inputs' digests."""
        parts = [f"{name}={inputs[name]}" for name in sorted(inputs)]
        parts += [f"{name}:{options[name]!r}" for name in sorted(options)]
        if self.takes_request:
            parts.append(hashlib.sha256(request).hexdigest())
        return digest(self.fingerprint, *parts)


def bind(name: str, stage: Any, settings: Settings) -> Binding:  # noqa: ANN401 - any class with the right methods
    """Read a stage's signature.

    Raises:
        ConfigurationError: the class is not a stage; the message names what is missing.
    """
    batched = hasattr(stage, "execute_batch")
    method = getattr(stage, "execute_batch" if batched else "execute", None)
    if method is None:
        raise ConfigurationError(f"{type(stage).__name__} has neither execute nor execute_batch")
    for attribute in ("version", "outputs"):
        if not hasattr(stage, attribute):
            raise ConfigurationError(f"{type(stage).__name__} has no class attribute {attribute!r}")
    hints = get_type_hints(method)
    parameters = list(inspect.signature(method).parameters)[1:]
    types = {parameter: _hint(stage, hints, parameter) for parameter in parameters}
    expands = inspect.isasyncgenfunction(method)
    returned = _hint(stage, hints, "return")
    if batched:
        types = {parameter: _element(annotation) for parameter, annotation in types.items()}
        returned = _without_exception(_element(returned))
    return Binding(
        name=name,
        stage=stage,
        inputs={parameter: Codec(types[parameter]) for parameter in parameters if parameter != REQUEST},
        outputs={} if expands else _outputs(stage.outputs, returned),
        options=frozenset(getattr(stage, "options", ())),
        takes_request=REQUEST in parameters,
        batched=batched,
        expands=expands,
        pure=getattr(stage, "pure", True) and not expands,
        fingerprint=digest(name, type(stage).__qualname__, stage.version, _settings_digest(settings)),
    )


async def opened(binding: Binding, stack: AsyncExitStack) -> None:
    """Open the stage's clients, to be closed with the stack."""
    if hasattr(binding.stage, "open"):
        await binding.stage.open()
    if hasattr(binding.stage, "close"):
        stack.push_async_callback(binding.stage.close)


def _hint(stage: Any, hints: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - annotations are of any kind
    if name not in hints:
        raise ConfigurationError(f"{type(stage).__name__}: {name!r} has no annotation, so its type is not known")
    return hints[name]


def _element(annotation: Any) -> Any:  # noqa: ANN401
    """``Sequence[T]`` -> ``T``."""
    if get_origin(annotation) is None or not issubclass(get_origin(annotation), Sequence):
        raise ConfigurationError(f"execute_batch takes and returns sequences, one element a job, not {annotation}")
    return get_args(annotation)[0]


def _without_exception(annotation: Any) -> Any:  # noqa: ANN401
    """``T | Exception`` -> ``T``."""
    results = [part for part in get_args(annotation) if part is not Exception]
    return results[0] if len(results) == 1 else annotation


def _outputs(names: Sequence[str], returned: Any) -> dict[str, Codec]:  # noqa: ANN401
    if get_origin(returned) is AsyncIterator:
        return {}
    types = get_args(returned) if len(names) > 1 and get_origin(returned) is tuple else (returned,)
    if len(types) != len(names):
        raise ConfigurationError(f"the stage returns {len(types)} values but names the outputs {', '.join(names)}")
    return {name: Codec(annotation) for name, annotation in zip(names, types, strict=True)}


def _settings_digest(settings: Settings) -> str:
    own = set(type(settings).model_fields) - set(Settings.model_fields)
    return digest(orjson.dumps(settings.model_dump(mode="json", include=own), option=orjson.OPT_SORT_KEYS).decode())
