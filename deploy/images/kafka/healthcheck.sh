#!/bin/bash
# Healthy means that the node names a broker: one that the controller does not let serve yet lists none, although its
# port is open. The question is a Metadata request, version 1, for no topic; no JVM is started for it.
set -euo pipefail

read -r host port <"${TMPDIR:-/tmp}/kafka/address"
exec 3<>"/dev/tcp/$host/$port"
printf '\x00\x00\x00\x10\x00\x03\x00\x01\x00\x00\x00\x01\x00\x02hc\x00\x00\x00\x00' >&3
# Length, correlation id, number of brokers: four bytes each.
answer=$(timeout 3 head -c 12 <&3 | od -An -tx1 | tr -d ' \n')
brokers=$((16#${answer:16:8}))
echo "$brokers brokers serve"
[[ $brokers -gt 0 ]]
