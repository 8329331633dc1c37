#!/bin/bash
# Runs a node once, from start to clean stop, so that the JVM writes the archive of the classes that a start loads.
# Those that OpenSearch's agent rewrites are left out of it: each start rewrites them anew.
set -euo pipefail

export OPENSEARCH_JAVA_OPTS='-Xms512m -Xmx512m'
MEDKG_ARCHIVE=-XX:ArchiveClassesAtExit=/opt/opensearch/archive/classes.jsa \
    env discovery.type=single-node path.data=/tmp/train path.logs=/tmp/train/logs /opt/opensearch/run >/tmp/train.log 2>&1 &

for _ in $(seq 900); do
    if /opt/opensearch/healthcheck.sh >/dev/null 2>&1; then break; fi
    kill -0 $! 2>/dev/null || break
    sleep 0.1
done
# A JVM that SIGTERM ended says 143; one that never started left its reasons in its log.
kill -TERM $! 2>/dev/null || true
wait $! || true
if [[ ! -s /opt/opensearch/archive/classes.jsa ]]; then
    cat /tmp/train.log >&2
    exit 1
fi
rm -rf /tmp/train /tmp/train.log /tmp/opensearch /tmp/.cache /tmp/hsperfdata_*
