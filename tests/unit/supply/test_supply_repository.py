"""The repository's own lists, pages and Dependabot's configuration."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from medkg_contracts.errors import ConfigurationError
from medkg_stack import kafka_distribution, neo4j, opensearch
from medkg_supply import advisories
from medkg_supply.versions import packages, renewed

REPOSITORY = Path(__file__).parents[3]
DEPENDABOT = REPOSITORY / ".github" / "dependabot.yml"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The outcome of a Python program, run in the repository."""
    return subprocess.run([sys.executable, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("check", ["licences", "compatibility"])
def test_the_repositorys_own_pages_are_current(check: str) -> None:
    """Every licence is allowed, and the pages show what the locks have."""
    done = run("deploy/supply/check.py", check)

    assert (0, "") == (done.returncode, done.stderr)


def test_the_matrix_has_the_servers_that_we_fetch() -> None:
    """What is said to be tested is what the stack starts."""
    page = (REPOSITORY / "docs" / "compatibility.md").read_text()
    tested = page.partition("<!-- versions -->")[0]

    assert f"\n| Kafka | {kafka_distribution.VERSION}," in tested
    assert f"\n| OpenSearch | {opensearch.VERSION}," in tested
    assert f"\n| Neo4j | {neo4j.VERSION}," in tested


def test_the_repositorys_own_advisories_can_be_read() -> None:
    """Each has a package, a reason and a day."""
    assert all(entry.package for entry in advisories.load(REPOSITORY / advisories.FILE))


def test_dependabots_configuration_is_valid() -> None:
    """It holds against Dependabot's JSON schema, as check-jsonschema ships it."""
    done = run("-m", "check_jsonschema", "--builtin-schema", "vendor.dependabot", str(DEPENDABOT))

    assert (0, "") == (done.returncode, done.stderr)


def test_dependabot_looks_where_there_is_something() -> None:
    """Each ecosystem's folders have the file that Dependabot looks for there, grouped and weekly."""
    looked_for = {
        "uv": "uv.lock",
        "npm": "package-lock.json",
        "docker": "*Dockerfile*",
        "docker-compose": "docker-compose.yml",
    }
    updates = yaml.safe_load(DEPENDABOT.read_text())["updates"]
    folders = {update["package-ecosystem"]: update.get("directories", [update.get("directory")]) for update in updates}

    assert list(looked_for) == list(folders)
    for ecosystem, patterns in folders.items():
        for pattern in patterns:
            assert list(REPOSITORY.glob(f"{pattern.lstrip('/') or '.'}/{looked_for[ecosystem]}".removeprefix("./")))
    assert ["weekly"] * 4 == [update["schedule"]["interval"] for update in updates]
    assert all(update["groups"] for update in updates)


def test_the_table_has_all_versions_and_all_bounds() -> None:
    """Every package of ours may set bounds; a package of ours has none, nor one that only comes with another."""
    manifests = [
        {"project": {"dependencies": ["orjson>=3.10,<4", "Rich", "medkg-ledger"]}},
        {"project": {"dependencies": ["orjson>=3.11,<4"]}},
    ]
    locked = {("orjson", "3.13.0"): 0, ("rich", "14.0"): 0, ("rich", "15.0"): 0, ("numpy", "2.4.6"): 0}

    assert [("orjson", "3.13.0", ">=3.10, >=3.11, <4"), ("rich", "14.0, 15.0", "any")] == list(
        packages(manifests, locked)
    )


def test_only_the_made_part_of_a_page_is_renewed() -> None:
    """What people wrote around it stays; a page without such a part is refused."""
    page = "before\n<!-- versions -->\nold\n<!-- end of versions -->\nafter\n"

    assert "before\n<!-- versions -->\n\nnew\n\n<!-- end of versions -->\nafter\n" == renewed(page, "new")
    with pytest.raises(ConfigurationError):
        renewed("before\nafter\n", "new")
