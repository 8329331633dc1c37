"""A Kafka node's configuration, as text. Pure."""

import base64
import uuid
from pathlib import Path

from .ports import HOST, MAX_KAFKA_NODES, Ports

CLUSTER_ID = base64.urlsafe_b64encode(uuid.uuid5(uuid.NAMESPACE_DNS, "kafka.medicalkg.org").bytes).decode()[:22]


def directory_id(node: int) -> str:
    """The id of the node's data folder, fixed so that every node can be told of all the others before they exist."""
    name = f"node-{node}.kafka.medicalkg.org"
    return base64.urlsafe_b64encode(uuid.uuid5(uuid.NAMESPACE_DNS, name).bytes).decode()[:22]


def initial_controllers(nodes: int, ports: Ports) -> str:
    """The quorum that a new cluster is formatted with."""
    return ",".join(
        f"{node}@{HOST}:{ports.kafka_controller(node)}:{directory_id(node)}" for node in range(1, nodes + 1)
    )


def server_properties(node: int, nodes: int, ports: Ports, data: Path) -> str:
    """The node's ``server.properties``: a broker and controller in one, replicated as far as there are nodes."""
    replicas = MAX_KAFKA_NODES if nodes == MAX_KAFKA_NODES else 1
    in_sync = 2 if nodes == MAX_KAFKA_NODES else 1
    client = f"PLAINTEXT://{HOST}:{ports.kafka_client(node)}"
    controller = f"CONTROLLER://{HOST}:{ports.kafka_controller(node)}"
    quorum = ",".join(f"{HOST}:{ports.kafka_controller(other)}" for other in range(1, nodes + 1))
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": node,
        "listeners": f"{client},{controller}",
        "advertised.listeners": f"{client},{controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.bootstrap.servers": quorum,
        "log.dirs": data,
        # A topic that nobody provisioned is a mistake in a name; it must fail, not appear with one partition.
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "unclean.leader.election.enable": "false",
        **_internal_topics(replicas, in_sync),
        **_small_machine(),
        **(_fast_failover() if nodes == MAX_KAFKA_NODES else _fast_return()),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _internal_topics(replicas: int, in_sync: int) -> dict[str, object]:
    """The brokers' own topics: 4 partitions each, where 50 would cost seconds of every start."""
    return {
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


def _small_machine() -> dict[str, object]:
    return {
        "num.network.threads": 2,
        "num.io.threads": 4,
        "num.recovery.threads.per.data.dir": 1,
        "log.cleaner.threads": 1,
        "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
        "log.index.size.max.bytes": 1024 * 1024,
        "socket.request.max.bytes": 32 * 1024 * 1024,
    }


def _fast_return() -> dict[str, object]:
    """A killed node is let in again only when its old session has ended, by default after 9 s."""
    return {"broker.heartbeat.interval.ms": 500, "broker.session.timeout.ms": 4000}


def _fast_failover() -> dict[str, object]:
    """With 9 s sessions a dead leader is noticed after 9 s; with these, writing goes on after 2 to 4."""
    return {
        "broker.heartbeat.interval.ms": 300,
        "broker.session.timeout.ms": 2000,
        "controller.quorum.election.timeout.ms": 500,
        "controller.quorum.fetch.timeout.ms": 1000,
        "replica.lag.time.max.ms": 3000,
    }
