#!/usr/bin/env bash
# A Docker engine for a machine that has none, from Debian packages alone.
#
#   deploy/engine.sh start    install what is missing, start dockerd, wait until it answers
#   deploy/engine.sh stop     end the dockerd that `start` started; images and volumes stay
#   deploy/engine.sh status   say which engine answers; exit code 1 if none does
#   deploy/engine.sh env      print what clients need, for eval "$(deploy/engine.sh env)"
#
# All state is below ${MEDKG_CACHE:-~/.cache/medkg}/docker. An engine that was there before is used and never touched.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${MEDKG_CACHE:-$HOME/.cache/medkg}
mkdir -p "$cache"
state=$(cd "$cache" && pwd)/docker
pidfile=$state/dockerd.pid
log=$state/dockerd.log
containerd_run=/run/docker/containerd
start_timeout_s=60
stop_timeout_s=60

say() { echo "engine: $*" >&2; }
fail() { say "$*"; exit 1; }

# An answer of the daemon's own: the client alone also prints a version.
answers() { command -v docker >/dev/null && docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# The pid of the dockerd that we started, if it runs. The number alone may be another program's by now.
own_pid() {
    local pid
    pid=$(cat "$pidfile" 2>/dev/null) || return 1
    [[ -n $pid && -r /proc/$pid/cmdline ]] || return 1
    tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qxF -- "$pidfile" || return 1
    [[ $(tr '\0' '\n' <"/proc/$pid/cmdline" | head -n 1) == *dockerd ]] || return 1
    echo "$pid"
}

has_plugins() { docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }

require_root() {
    [[ $(id -u) -eq 0 ]] && return
    fail "root is needed to $1: \`sudo --preserve-env=MEDKG_CACHE deploy/engine.sh start\`, or install Docker yourself"
}

apt_get() { DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq "$@"; }

install_packages() {
    local missing=() pair
    for pair in dockerd:docker.io docker:docker.io iptables:iptables debootstrap:debootstrap; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    require_root "install ${missing[*]}"
    command -v apt-get >/dev/null || fail "there is no apt-get here; install Docker yourself"
    say "installing ${missing[*]}"
    apt_get update
    apt_get install -y --no-install-recommends "${missing[@]}" >"$state/apt.log" 2>&1 ||
        { tail -n 20 "$state/apt.log" >&2; fail "apt-get failed"; }
}

# Debian 12 has neither plugin. Those of Debian 13 need no more than libc 2.34; they come with a state of apt of their
# own, so that the machine's list of sources stays as it is.
install_plugins() {
    if has_plugins; then return; fi
    # Clients look for plugins where DOCKER_CONFIG points; an earlier start may have put them there.
    export DOCKER_CONFIG=$state
    if has_plugins; then return; fi
    local apt=$state/apt mirror options
    mirror=$("$here/images/mirror.sh") || fail "compose and buildx are missing; install these plugins of Docker yourself"
    say "installing the plugins compose and buildx"
    rm -rf "$apt"
    mkdir -p "$apt"/{lists,archives}/partial "$apt/debs" "$state/cli-plugins"
    : >"$apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$apt/sources.list"
    options=(-qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache::archives=$apt/archives" -o "Dir::State::status=$apt/status"
        -o Acquire::Languages=none -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    (cd "$apt/debs" && apt-get "${options[@]}" download docker-compose docker-buildx)
    local package
    for package in "$apt"/debs/*.deb; do dpkg -x "$package" "$apt/unpacked"; done
    cp "$apt"/unpacked/usr/libexec/docker/cli-plugins/* "$state/cli-plugins/"
    rm -rf "$apt"
    has_plugins || fail "the plugins do not run: $(docker compose version 2>&1; docker buildx version 2>&1)"
}

# A daemon that was killed leaves its containerd's files; with them the next one waits for a containerd that is gone.
forget_dead_containerd() {
    local pid
    pid=$(cat "$containerd_run/containerd.pid" 2>/dev/null) || return 0
    if [[ -e /proc/$pid ]] && ! grep -q '^State:.Z' "/proc/$pid/status"; then return; fi
    rm -f "$containerd_run/containerd.pid" "$containerd_run"/*.sock*
}

start_daemon() {
    require_root "start dockerd"
    forget_dead_containerd
    rm -f "$pidfile"
    # --ip keeps published ports off other interfaces; a small MTU passes every tunnel; without the userland proxy a
    # published port costs no process of its own. Descriptor 9 is our lock, which must not live as long as the daemon.
    setsid nohup dockerd --data-root "$state/data" --pidfile "$pidfile" --ip 127.0.0.1 --mtu 1400 \
        --userland-proxy=false >"$log" 2>&1 </dev/null 9>&- &
    local child=$! deadline=$((SECONDS + start_timeout_s))
    until answers; do
        kill -0 "$child" 2>/dev/null || { tail -n 5 "$log" >&2; fail "dockerd ended; its log is $log"; }
        [[ $SECONDS -lt $deadline ]] || { tail -n 5 "$log" >&2; fail "no answer in $start_timeout_s s; see $log"; }
        sleep 0.1
    done
}

start() {
    local began=$SECONDS
    mkdir -p "$state"
    exec 9>"$state/lock"
    flock 9
    answers || install_packages
    # The package may have started its own daemon; then that one is used.
    if ! answers; then start_daemon; fi
    install_plugins
    status
    say "ready after $((SECONDS - began)) s"
}

# Ends a process and waits for it. One that does not end is not killed: it may be writing.
end() {
    local pid=$1 name=$2 deadline=$((SECONDS + stop_timeout_s))
    kill -TERM "$pid" 2>/dev/null || return 0
    while [[ -e /proc/$pid ]] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do
        [[ $SECONDS -lt $deadline ]] || fail "$name (pid $pid) did not end in $stop_timeout_s s; see $log"
        sleep 0.1
    done
}

stop() {
    local pid containerd
    pid=$(own_pid) || { say "no engine of ours runs"; return 0; }
    [[ $(id -u) -eq 0 ]] || fail "root is needed to stop dockerd: \`sudo --preserve-env=MEDKG_CACHE deploy/engine.sh stop\`"
    containerd=$(pgrep --parent "$pid" --exact containerd || true)
    end "$pid" dockerd
    # dockerd ends its containerd; one that stayed behind would keep the next dockerd from starting.
    if [[ -n $containerd && $(cat "/proc/$containerd/comm" 2>/dev/null) == containerd ]]; then
        end "$containerd" containerd
    fi
    rm -f "$pidfile"
    say "stopped; images and volumes stay in $state/data"
}

status() {
    local pid
    if ! answers; then say "none answers"; return 1; fi
    if pid=$(own_pid); then
        say "ours, $(docker version --format '{{.Server.Version}}'), pid $pid, data in $state/data"
    else
        say "the machine's own, $(docker version --format '{{.Server.Version}}')"
    fi
}

# Clients of the machine's own engine need nothing, unless it came without the plugins.
environment() {
    if own_pid >/dev/null; then
        # No other container could reach the host by the address that Testcontainers guesses inside a container, and
        # its reaper's image cannot be had everywhere.
        echo "export TESTCONTAINERS_RYUK_DISABLED=true TESTCONTAINERS_CONNECTION_MODE=docker_host"
    fi
    if [[ -d $state/cli-plugins ]] && { [[ ${DOCKER_CONFIG-} == "$state" ]] || ! has_plugins; }; then
        printf 'export DOCKER_CONFIG=%q\n' "$state"
    fi
}

case ${1-} in
start) start ;;
stop) stop ;;
status) status ;;
env) environment ;;
*) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
