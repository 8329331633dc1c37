"""What the images are made of agrees with the rest of the repository; no engine is needed."""

import json
import re
from pathlib import Path

from medkg_stack import kafka_distribution, neo4j, opensearch

from tests.shipped import SERVICES

_ROOT = Path(__file__).parents[3]
_IMAGES = _ROOT / "deploy" / "images"
_BAKE = (_IMAGES / "docker-bake.hcl").read_text()
_BUILD = (_IMAGES / "build.sh").read_text()


def _listed(variable: str) -> set[str]:
    found = re.search(rf"^{variable}=\(([^)]*)\)$", _BUILD, re.MULTILINE)
    assert found is not None
    return set(re.sub(r"#.*", "", found[1]).split())


def test_every_image_is_a_target_of_the_one_build() -> None:
    """What build.sh accepts as a name is what the bake file can build."""
    services = set(re.findall(r'\{ service = "([\w-]+)"', _BAKE))
    targets = set(re.findall(r'^target "(\w+)"', _BAKE, re.MULTILINE)) - {"python", "service"}

    assert {"cli", *SERVICES} == services | {"cli"} == _listed("services")
    assert services | targets == _listed("services") | _listed("servers")


def test_servers_have_the_versions_of_the_process_stack() -> None:
    """Kafka, Neo4j and OpenSearch run in the same versions as containers and as processes."""
    tagged = dict(re.findall(r"medkg/(kafka|neo4j|opensearch):([\d.]+)\"", _BAKE))

    assert {
        "kafka": kafka_distribution.VERSION,
        "neo4j": neo4j.VERSION,
        "opensearch": opensearch.VERSION,
    } == tagged
    assert all(f"medkg/{name}:{version}" in _BUILD for name, version in tagged.items())


def test_who_reads_texts_by_meaning_has_the_model_in_its_image() -> None:
    """Each image that copies the dense model is given it by the one build, which fetches it for just these services."""
    stages = re.split(r"^FROM .* AS ", (_IMAGES / "Dockerfile").read_text(), flags=re.MULTILINE)
    copying = {stage.split()[0] for stage in stages if "COPY --from=dense-model " in stage}
    given = re.search(r"DENSE_MODEL = contains\((\[[^\]]*\]), item\.target\)", _BAKE)
    fetching = re.search(r"^dense_model\(\) \{\n    any ([\w ]+) \|\| return 0$", _BUILD, re.MULTILINE)
    targets = dict(re.findall(r'\{ service = "([\w-]+)", target = "([\w-]+)"', _BAKE))

    assert given is not None
    assert copying == set(json.loads(given[1]))
    assert fetching is not None
    assert {name for name, target in targets.items() if target in copying} == set(fetching[1].split())
    assert {"chunk", "embed", "search"} <= set(fetching[1].split())


def test_no_image_is_built_with_a_frontend_from_a_registry() -> None:
    """A `# syntax=` line would ask an image registry, which cannot be reached everywhere."""
    asking = [path for path in _IMAGES.rglob("Dockerfile") if "# syntax=" in path.read_text().splitlines()[0]]

    assert [] == asking
