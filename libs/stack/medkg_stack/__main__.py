"""``python -m medkg_stack prepare``: fetch the servers; ``wipe``: end what runs and delete its data."""

import sys
from pathlib import Path

from medkg_contracts.errors import MedkgError

from .services import Services
from .stack import Stack

_ROOT = Path(".medkg")


def main(arguments: list[str]) -> int:
    """Run one verb; the exit code is 1 when it failed and 2 when it is none."""
    stack = Stack(_ROOT)
    try:
        match arguments:
            case ["prepare"]:
                stack.prepare()
            case ["wipe"]:
                Services(_ROOT, {}).stop()
                stack.wipe()
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except MedkgError as error:
        print(f"{error}\n{error.info.remedy}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
