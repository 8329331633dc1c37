#!/bin/bash
# Runs a node once, from start to clean stop, so that the JVM writes the archive of the classes that a start loads.
set -euo pipefail

export KAFKA_NODE_ID=1 KAFKA_PROCESS_ROLES=broker,controller KAFKA_LISTENERS=PLAINTEXT://:9092,CONTROLLER://:9093
export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:9092 KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER
export KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
export KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9093 KAFKA_LOG_DIRS=/tmp/train
MEDKG_ARCHIVE=-XX:ArchiveClassesAtExit=/opt/kafka/classes.jsa /etc/kafka/docker/run >/tmp/train.log 2>&1 &

for _ in $(seq 600); do
    if grep -q 'Kafka Server started' /tmp/train.log; then break; fi
    kill -0 $! 2>/dev/null || break
    sleep 0.1
done
# A JVM that SIGTERM ended says 143; one that never started left its reasons in its log.
kill -TERM $! 2>/dev/null || true
wait $! || true
if [[ ! -s /opt/kafka/classes.jsa ]]; then
    cat /tmp/train.log >&2
    exit 1
fi
rm -rf /tmp/train /tmp/train.log /tmp/kafka /tmp/hsperfdata_*
