"""The demo on containers, from the same code as on processes."""

import json
import os
import subprocess
from collections.abc import Iterator
from uuid import uuid4

import pytest
from medkg_stack import Ports
from medkg_stack.ports import free_port

from .project import LOCAL_IMAGES, REPOSITORY, docker

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]


@pytest.fixture
def elsewhere() -> Iterator[dict[str, str]]:
    """Settings that give the demo a project and ports of its own; its containers end with the test."""
    ports, project = Ports.free(), f"medkg-demo-{uuid4().hex[:8]}"
    yield {
        "COMPOSE_PROJECT_NAME": project,
        "COMPOSE_FILE": os.pathsep.join(("docker-compose.yml", LOCAL_IMAGES)),
        "MK_KAFKA": f"127.0.0.1:{ports.kafka}",
        "MK_REDIS_URL": f"redis://127.0.0.1:{ports.redis}/0",
        "MK_OPENSEARCH_URL": f"http://127.0.0.1:{ports.opensearch}",
        "MK_NEO4J_URL": f"bolt://127.0.0.1:{ports.neo4j}",
        "MK_REPLAY_PORT": str(free_port()),
    }
    docker("compose", "-p", project, "down", "--volumes", "--remove-orphans")


def test_the_demo_works_on_containers(elsewhere: dict[str, str]) -> None:
    """`STACK=compose make demo` sends 20 trials through it, and shows ranks and the graph's answer."""
    done = subprocess.run(
        ["make", "demo", "STACK=compose"],
        cwd=REPOSITORY,
        env={**os.environ, **elsewhere},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert 0 == done.returncode, done.stderr + done.stdout
    status = ("medkg", "status", "--limit", "100", "--json")
    listed = json.loads(docker("compose", "run", "--rm", "--no-deps", *status, **elsewhere))

    assert "20 jobs in" in done.stdout
    assert ["#", "fused", "bm25", "splade", "dense"] in [line.split()[:5] for line in done.stdout.splitlines()]
    assert "OMicro vs SJet · Mean Difference (Final Values) -1.89 (95 % CI -4.05 to 0.26) · p 0.05" in done.stdout
    assert ["completed"] * 20 == [job["status"] for job in listed["jobs"]]
