"""Checks what medkg is made of: `check.py licences|advisories|compatibility`, with `--write` to renew what is made."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from medkg_contracts.errors import MedkgError
from medkg_supply import advisories, licences_page, versions
from medkg_supply.audit import ask_npm, ask_uv
from medkg_supply.component import Record
from medkg_supply.declared import fetched
from medkg_supply.gather import current
from medkg_supply.policy import FILE, Policy, refusals

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = ROOT / "deploy" / "supply" / "components.json"


def licences(*, write: bool) -> list[str]:
    """Complaints about licences, and about a record or page that is not current."""
    policy = Policy.load(ROOT / FILE)
    record = Record.load(COMPONENTS)
    found = current(ROOT, policy, record, fetched if write else None)
    complaints = [
        *_renew(COMPONENTS, found.text(), "licences", write=write),
        *_renew(
            ROOT / "docs" / "licences.md", licences_page.page(ROOT, found.components, policy), "licences", write=write
        ),
        *refusals(found.components, policy),
    ]
    print(f"licences: {len(found.components)} components, {len(complaints)} complaints")
    return complaints


def known_advisories() -> list[str]:
    """Complaints about known vulnerabilities; prints what was checked and what was not."""
    ignored = advisories.load(ROOT / advisories.FILE)
    replies = [ask_uv(ROOT), ask_npm(ROOT / "asyncapi")]
    outcome = advisories.verdict(replies, ignored, datetime.now(UTC).date())
    print("\n".join(outcome.lines))
    return ["there are advisories to deal with; see above"] if outcome.failed else []


def compatibility(*, write: bool) -> list[str]:
    """Complaints about a table of versions that is not current."""
    page = ROOT / "docs" / "compatibility.md"
    return _renew(page, versions.renewed(page.read_text(), versions.table(ROOT)), "compatibility", write=write)


def _renew(path: Path, text: str, what: str, *, write: bool) -> list[str]:
    if path.is_file() and path.read_text() == text:
        return []
    if write:
        path.write_text(text)
        print(f"{path.relative_to(ROOT)}: written")
        return []
    remedy = f"run `uv run python deploy/supply/check.py {what} --write` and look at what changed."
    return [f"{path.relative_to(ROOT)} is not current.\n  Remedy: {remedy}"]


def main() -> int:
    """Run the check that the command line names; 1 if there are complaints."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("licences", "compatibility"):
        commands.add_parser(name).add_argument("--write", action="store_true", help="renew what is made")
    commands.add_parser("advisories")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "licences":
                complaints = licences(write=arguments.write)
            case "compatibility":
                complaints = compatibility(write=arguments.write)
            case _:
                complaints = known_advisories()
    except MedkgError as error:
        complaints = [f"{error}\n  Remedy: {error.info.remedy}"]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
