#!/usr/bin/env bash
# Makes a base image of Debian packages, for places that reach no image registry: base.sh bookworm|trixie.
# The packages come from the mirror that this machine's apt uses; needs root and debootstrap.
set -euo pipefail

release=${1:?which release of Debian?}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
archives=${MEDKG_CACHE:-$HOME/.cache/medkg}/debian/$release
mirror=$("$here/mirror.sh")
root=$(mktemp -d "${TMPDIR:-/tmp}/medkg-$release.XXXXXX")
trap 'rm -rf "$root"' EXIT
mkdir -p "$archives"

[[ $(id -u) -eq 0 ]] || { echo "base.sh: debootstrap needs root" >&2; exit 1; }
if ! debootstrap --variant=minbase --cache-dir="$(cd "$archives" && pwd)" "$release" "$root" "$mirror" >"$root.log" 2>&1; then
    tail -n 20 "$root.log" >&2
    echo "base.sh: debootstrap of $release failed" >&2
    exit 1
fi
rm -f "$root.log"

# What a container never reads. Licences stay: /usr/share/doc/*/copyright.
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/{man,info,locale,lintian}/*
find "$root/usr/share/doc" -mindepth 2 ! -name copyright ! -type d -delete
mkdir -p "$root"/var/cache/apt/archives/partial "$root"/var/lib/apt/lists/partial
cat >"$root/etc/dpkg/dpkg.cfg.d/medkg" <<'DPKG'
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/lintian/*
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
DPKG

tar -C "$root" --numeric-owner -c . |
    docker import --change 'CMD ["/bin/bash"]' --message "debootstrap $release" - "medkg/debian:$release" >/dev/null
