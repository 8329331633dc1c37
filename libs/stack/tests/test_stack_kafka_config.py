from pathlib import Path

import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_stack import Ports, Stack
from medkg_stack.kafka_config import CLUSTER_ID, directory_id, initial_controllers, server_properties


def parsed(node: int, nodes: int) -> dict[str, str]:
    text = server_properties(node, nodes, Ports(kafka=9092), Path("/data"))
    return dict(line.split("=", 1) for line in text.splitlines())


def test_ids_are_kafkas_uuids() -> None:
    """Cluster and folder ids are 22 characters that a command line does not take for an option."""
    ids = [CLUSTER_ID, *(directory_id(node) for node in (1, 2, 3))]

    assert [True] * 4 == [len(text) == 22 and not text.startswith("-") for text in ids]


@pytest.mark.parametrize(("nodes", "replicas", "in_sync"), [(1, "1", "1"), (3, "3", "2")])
def test_replication_follows_the_nodes(nodes: int, replicas: str, in_sync: str) -> None:
    """One node keeps one replica; three keep three, two of which must confirm."""
    settings = parsed(1, nodes)

    assert (replicas, in_sync) == (settings["default.replication.factor"], settings["min.insync.replicas"])


def test_nothing_appears_by_itself() -> None:
    """A topic that nobody provisioned is not created by naming it."""
    assert "false" == parsed(1, 1)["auto.create.topics.enable"]


def test_internal_topics_are_small() -> None:
    """The broker's own topics have 4 partitions, so that a start does not open 150."""
    partitions = [value for name, value in parsed(1, 1).items() if name.endswith("num.partitions")]

    assert ["4", "4", "4"] == partitions


def test_every_node_knows_the_whole_quorum() -> None:
    """Each of three nodes is told of all three controllers."""
    assert "127.0.0.1:9093,127.0.0.1:9103,127.0.0.1:9113" == parsed(2, 3)["controller.quorum.bootstrap.servers"]


def test_a_new_quorum_names_id_place_and_folder() -> None:
    """A cluster is formatted with ``id@host:port:folder`` of each node."""
    assert f"1@127.0.0.1:9093:{directory_id(1)}" == initial_controllers(1, Ports(kafka=9092))


def test_two_nodes_are_no_cluster(tmp_path: Path) -> None:
    """A number of nodes that has no majority worth having is refused."""
    with pytest.raises(ConfigurationError, match="1 or 3 nodes, not 2"):
        Stack(tmp_path, kafka_nodes=2)


def test_data_of_another_size_is_refused(tmp_path: Path) -> None:
    """A folder formatted for one node is not started as three."""
    data = tmp_path / "kafka" / "node1" / "log"
    data.mkdir(parents=True)
    (data / "meta.properties").touch()

    with pytest.raises(ConfigurationError, match="holds a cluster of 1, and 3 were asked for"):
        Stack(tmp_path, kafka_nodes=3).kafka.start()
