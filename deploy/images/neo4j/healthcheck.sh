#!/bin/bash
# Healthy means that the server agrees on a version of Bolt; its port opens when its databases are there.
set -euo pipefail

exec 3<>/dev/tcp/127.0.0.1/7687
printf '\x60\x60\xb0\x17\x00\x08\x08\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00' >&3
answer=$(timeout 3 head -c 4 <&3 | od -An -tx1 | tr -d ' \n')
echo "bolt $answer"
[[ -n $answer && $answer != 00000000 ]]
