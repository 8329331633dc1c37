#!/bin/bash
# Runs a node once, from start to clean stop, so that the JVM writes the archive of the classes that a start loads.
set -euo pipefail

MEDKG_ARCHIVE=-XX:ArchiveClassesAtExit=/opt/neo4j/archive/classes.jsa NEO4J_AUTH=none \
    NEO4J_server_directories_data=/tmp/train NEO4J_server_directories_logs=/tmp/train/logs /opt/neo4j/run >/tmp/train.log 2>&1 &

for _ in $(seq 900); do
    if /opt/neo4j/healthcheck.sh >/dev/null 2>&1; then break; fi
    kill -0 $! 2>/dev/null || break
    sleep 0.1
done
# A JVM that SIGTERM ended says 143; one that never started left its reasons in its log.
kill -TERM $! 2>/dev/null || true
wait $! || true
if [[ ! -s /opt/neo4j/archive/classes.jsa ]]; then
    cat /tmp/train.log >&2
    exit 1
fi
rm -rf /tmp/train /tmp/train.log /tmp/neo4j /tmp/hsperfdata_*
