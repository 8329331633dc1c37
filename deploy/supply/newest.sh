#!/usr/bin/env bash
# Tries the newest versions that our packages allow: upgrades the lock of a copy of this checkout, says what changed,
# and runs there the tests that need no servers. The checkout itself stays as it is.
# UV_PYTHON chooses another interpreter, as for every command of uv.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
uv=${UV:-$(command -v uv || echo "${MEDKG_CACHE:-$HOME/.cache/medkg}/uv/bin/uv")}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/medkg-newest.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
# The Makefile sets the first two, `uv run` the third; all are about the checkout's own environment.
unset UV_FROZEN UV_NO_SYNC VIRTUAL_ENV

# What git knows or would add. A file that is being deleted is no reason to stop.
git -C "$root" ls-files -z --cached --others --exclude-standard |
    tar -C "$root" --null --ignore-failed-read --no-recursion -T - -c | tar -C "$scratch" -x
cd "$scratch"
# Some tests ask git which files there are.
git init -q

echo "newest: resolving"
"$uv" lock --upgrade 2>&1 | tee resolution
changed=$(grep -cE '^(Updated|Added|Removed) ' resolution || true)
"$uv" sync --quiet --frozen --all-packages --all-groups
.venv/bin/python --version

# A new version may bring a new licence. The tables have to follow the lock, as tests compare the two.
outcome=0
.venv/bin/python deploy/supply/check.py compatibility --write || outcome=1
.venv/bin/python deploy/supply/check.py licences --write || outcome=1
.venv/bin/python -m pytest -q -m "not integration and not benchmark and not chaos" tests/unit libs services || outcome=1

if [[ $outcome -eq 0 ]]; then
    echo "newest: $changed packages differ from the lock, and all of it works"
else
    echo "newest: $changed packages differ from the lock, and something does not work with them; see above" >&2
fi
exit "$outcome"
