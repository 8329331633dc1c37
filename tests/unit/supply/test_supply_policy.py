"""The allow-list of licences."""

from pathlib import Path

import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_supply.component import Component
from medkg_supply.policy import Policy, refusals

LIST = """
[runtime]
allowed = ["MIT"]

[development]
allowed = ["GPL-3.0-only"]

[separate]
allowed = ["GPL-3.0-only"]
reason = "a server of its own"

[[exceptions]]
package = "certs"
licence = "MPL-2.0"
reason = "used unchanged"

[[stated]]
ecosystem = "jar"
package = "bc*-fips"
licence = "MIT"
read = "its notice"

[names]
"Expat License" = "MIT"
"""
CERTS = Component("python", "certs", "1", "runtime", "MPL-2.0")


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    """The list above."""
    file = tmp_path / "licences.toml"
    file.write_text(LIST)
    return Policy.load(file)


def test_a_licence_that_is_not_allowed_is_refused_with_name_and_remedy(policy: Policy) -> None:
    """The refusal names package, version, scope and licence, and says what to do."""
    bad = Component("python", "readline", "8.2", "runtime", "GPL-3.0-only")

    [refusal] = refusals([CERTS, bad], policy)

    assert refusal == (
        "readline 8.2 (python, runtime): GPL-3.0-only is not allowed.\n"
        "  Remedy: use another package, or add an [[exceptions]] with its reason to deploy/supply/licences.toml."
    )


def test_development_may_use_more_than_run_time(policy: Policy) -> None:
    """A copyleft tool is no harm where nothing of it is handed on; what is allowed at run time is allowed there too."""
    tools = [Component("npm", name, "1", "development", name) for name in ("GPL-3.0-only", "MIT")]

    assert [] == list(refusals([CERTS, *tools], policy))


def test_a_server_of_its_own_may_have_what_nothing_of_ours_may(policy: Policy) -> None:
    """Copyleft is allowed to a jar that only a separate server runs with, and to none that an image of ours has."""
    jars = [Component("jar", scope, "1", scope, "GPL-3.0-only") for scope in ("separate", "runtime")]

    assert ["runtime 1"] == [refusal.split(" (")[0] for refusal in refusals([CERTS, *jars], policy)]


@pytest.mark.parametrize("licence", ["nothing", "BSD", "", "MIT or so"])
def test_a_licence_that_nobody_knows_is_refused(policy: Policy, licence: str) -> None:
    """What is no SPDX expression does not pass, in development neither."""
    [refusal] = refusals([CERTS, Component("python", "odd", "1", "development", licence)], policy)

    assert refusal.startswith(f"odd 1 (python, development): its licence is not known; it says {licence!r}.\n  Remedy:")


def test_an_exception_is_for_one_licence_of_one_package(policy: Policy) -> None:
    """The excepted package passes; it does not with another licence, nor does another package with that licence."""
    others = [
        Component("python", "certs", "2", "runtime", "GPL-2.0-only"),
        Component("python", "other", "1", "runtime", "MPL-2.0"),
    ]

    found = [refusal.split(" (")[0] for refusal in refusals([CERTS, *others], policy)]

    assert ["certs 2", "other 1"] == found


def test_an_exception_without_use_is_refused(policy: Policy) -> None:
    """The list says no more than is needed."""
    [refusal] = refusals([], policy)

    assert refusal == (
        "certs: the exception for MPL-2.0 is not needed (any more).\n"
        "  Remedy: remove it from deploy/supply/licences.toml."
    )


def test_a_stated_licence_is_for_all_names_that_match(policy: Policy) -> None:
    """A pattern stands for several packages of its ecosystem, and for those alone."""
    found = [
        policy.stated_for("jar", "bcpg-fips"),
        policy.stated_for("jar", "bcpg"),
        policy.stated_for("npm", "bc-fips"),
    ]

    assert ["MIT", None, None] == found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"MIT"]', '"Mit"]', "'Mit', which is not an SPDX expression in SPDX's spelling"),
        ('= "MPL-2.0"', '= "Mozilla"', "'Mozilla', which is not an SPDX expression"),
        ('reason = "used unchanged"', "", "missing 1 required positional argument: 'reason'"),
        ("[runtime]", "[run time]", "is not an allow-list"),
    ],
)
def test_a_list_with_a_mistake_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    """A licence that SPDX does not know, an exception without a reason, and TOML that is none are refused."""
    file = tmp_path / "licences.toml"
    file.write_text(LIST.replace(old, new, 1))

    with pytest.raises(ConfigurationError, match=message.replace("(", r"\(")):
        Policy.load(file)
