"""The error tree says what it promises: codes, retries, remedies and its own picture."""

import inspect
import re

import pytest
from medkg_contracts import errors
from medkg_contracts.errors import ErrorInfo, MedkgError, SourceUnavailable, StageTimeout

CLASSES = [
    value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, MedkgError)
]  # fmt: skip


def pictured() -> list[tuple[str, str | None]]:
    """Each class of the module's picture with the class above it."""
    found: list[tuple[str, str | None]] = []
    above: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if (match := re.match(r" *([*x.-]) (\w+)$", line)) is not None:
            mark, name = match.groups()
            parent = {"*": None, "x": above.get("*"), "-": above.get("x"), ".": above.get("-")}[mark]
            above[mark] = name
            found.append((name, parent))
    return found


def test_picture_lists_exactly_the_classes() -> None:
    """The tree at the module's top has every class, below its own base, and no other."""
    actual = [(kind.__name__, None if kind is MedkgError else kind.__mro__[1].__name__) for kind in CLASSES]

    assert sorted(actual) == sorted(pictured(), key=lambda pair: (pair[0], pair[1] or ""))


def test_codes_are_unique() -> None:
    """No two classes share a code."""
    codes = [kind.code for kind in CLASSES]

    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.parametrize("kind", CLASSES)
def test_code_is_the_classs_own(kind: type[MedkgError]) -> None:
    """Every class states its code itself."""
    assert "code" in vars(kind)


@pytest.mark.parametrize("kind", CLASSES)
def test_remedy_is_a_sentence(kind: type[MedkgError]) -> None:
    """Every class tells a person what to do next."""
    assert re.fullmatch(r"[A-Z].+\.", kind.remedy)


@pytest.mark.parametrize("kind", CLASSES)
def test_message_is_the_docstring_unless_given(kind: type[MedkgError]) -> None:
    """An error without a message says what its class is about."""
    assert (kind.__doc__ or "").splitlines()[0] == str(kind())


def test_info_has_the_raise_and_the_class() -> None:
    """An error as data has the message of its raise and the facts of its class."""
    assert StageTimeout("parse took longer than 30 s").info == ErrorInfo(
        code="timeout",
        message="parse took longer than 30 s",
        retryable=True,
        remedy="Give the policy a longer timeout, or find what the stage waits for.",
    )


def test_remedy_of_a_raise_wins() -> None:
    """A raise that knows better what to do says so."""
    assert MedkgError("x", remedy="Do y.").info.remedy == "Do y."


def test_long_message_is_cut() -> None:
    """A message travels with at most 2,000 characters."""
    assert MedkgError("x" * 3000).info.message == "x" * 2000


def test_source_says_how_long_to_wait() -> None:
    """What a source asked for travels with the error."""
    assert SourceUnavailable("429", retry_after=2.5).retry_after == 2.5
