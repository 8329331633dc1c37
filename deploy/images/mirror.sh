#!/usr/bin/env bash
# Prints the Debian mirror that this machine's apt already uses. Fails where apt has none, as on another distribution.
set -euo pipefail

# shellcheck disable=SC2016  # apt-get puts the site there, not the shell
site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | sort -u | head -n 1)
if [[ -z $site ]]; then
    echo "mirror.sh: apt knows no Debian mirror; run \`apt-get update\`, or on another distribution use the public images" >&2
    exit 1
fi
echo "$site"
