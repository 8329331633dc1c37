#!/bin/bash
# Healthy means that this node knows a cluster of which every primary shard is there.
set -euo pipefail

port=$(env | sed -n 's/^http\.port=//p')
exec 3<>"/dev/tcp/127.0.0.1/${port:-9200}"
printf 'GET /_cluster/health?local=true HTTP/1.0\r\n\r\n' >&3
answer=$(timeout 3 cat <&3)
echo "${answer##*$'\n'}"
[[ $answer =~ \"status\":\"(green|yellow)\" ]]
