"""What follows from one service's declaration."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.services import Service
from medkg_contracts.settings import Settings
from medkg_derive.containers import bake_items, compose_services
from medkg_derive.documents import documents
from medkg_derive.files import derived
from medkg_derive.lists import project_blocks
from medkg_derive.members import Member, members
from medkg_ingest.app import expand
from medkg_ingest.app import service as ingest
from medkg_stagekit import Compute, StageService
from medkg_validate.stage import RuleValidateStage

ROOT = Path(__file__).parents[3]
STAGE = StageService("link-terms", RuleValidateStage, Settings, description="Links terms")


def member(service: Service, foundation: str = "stagekit", package: str | None = None) -> Member:
    return Member(service, package or f"medkg-{service.name}", f"medkg_{service.name.replace('-', '_')}", foundation)


def composed(service: Service, **more: Any) -> Any:
    """The service in the repository's compose file, after its anchors."""
    whole = (ROOT / "docker-compose.yml").read_text()
    head = whole[: whole.index("  # derived: services")]
    lines = compose_services([member(service, **more)])
    return yaml.safe_load(head + "".join(f"  {line}\n" for line in lines))["services"][service.name]


def test_a_stages_container_is_what_the_anchors_say() -> None:
    """A plain stage's container is hardened, limited, checked, and comes after what it needs."""
    found = composed(STAGE)

    assert (True, ["events", "stores"], "512M") == (
        found["read_only"],
        found["networks"],
        found["deploy"]["resources"]["limits"]["memory"],
    )
    assert ({"topics", "redis"}, "kafka:19092") == (set(found["depends_on"]), found["environment"]["MK_KAFKA"])
    assert "healthcheck" in found


def test_a_container_has_what_its_service_declares() -> None:
    """Networks, settings and memory are those of the declaration; a job's bound is added where the stage computes."""
    found = composed(
        replace(
            STAGE,
            networks=("events", "stores", "sources"),
            environment={"MK_A": "${A:-http://b:1}"},
            memory_mb=700,
            compute=Compute(memory_mb=900),
        )
    )

    assert ["events", "stores", "sources"] == found["networks"]
    assert ("${A:-http://b:1}", "redis://redis:6379/0") == (
        found["environment"]["MK_A"],
        found["environment"]["MK_REDIS_URL"],
    )
    assert {"cpus": "1.0", "memory": "1600M"} == found["deploy"]["resources"]["limits"]


def test_a_port_is_published_for_this_machine_alone() -> None:
    """A service that answers others listens on all of its container's addresses, and is published on 127.0.0.1."""
    found = composed(replace(STAGE, port=81, networks=("sources",)))

    assert ["127.0.0.1:${MK_LINK_TERMS_PORT:-81}:81"] == found["ports"]
    assert {"MK_LINK_TERMS_HOST": "0.0.0.0", "MK_LINK_TERMS_PORT": 81} == found["environment"]  # noqa: S104
    assert "depends_on" not in found


def test_an_image_is_told_what_the_dockerfile_cannot_know() -> None:
    """What it cannot tell from the name (a module, a package, an unusual foundation) are arguments of the build."""
    named = {"foundation": "servicekit", "package": "medkg-link-terms-service"}
    found = composed(replace(STAGE, image="router"), **named)["build"]

    assert {
        "SERVICE": "link-terms",
        "SOURCE": "services/link-terms",
        "SHARED": "servicekit",
        "PACKAGE": "medkg-link-terms-service",
        "MODULE": "medkg_link_terms",
    } == found["args"]
    assert "router" == found["target"]
    item = (
        '{ service = "link-terms", target = "router", shared = "servicekit", '
        'package = "medkg-link-terms-service", module = "medkg_link_terms" },'
    )
    assert [item] == bake_items([member(replace(STAGE, image="router"), **named)])


def test_only_plain_stages_have_a_derived_document() -> None:
    """A stage has one; a service of two stages, and one that expands requests, are described by hand."""
    found = documents([member(STAGE), member(ingest), member(expand)])

    assert ["link-terms"] == list(found)
    document = yaml.safe_load(found["link-terms"])
    assert ("Links terms.", "link-terms.queue.v1") == (
        document["info"]["description"],
        document["channels"]["link-termsQueue"]["address"],
    )
    assert {"receiveLinkTermsWork", "sendLinkTermsResults", "sendLinkTermsDeadLetters", "sendEvents"} == set(
        document["operations"]
    )


def test_the_module_of_a_stage_is_kept_from_kafka() -> None:
    """The import rule for stages names the modules in which the stages of a service are."""
    blocks = project_blocks([member(STAGE)])

    assert ['"medkg_validate.stage",'] == blocks["stages"]
    assert ['"medkg_cli | medkg_link_terms",'] == blocks["layer"]


def test_a_document_whose_stage_is_gone_has_to_go(tmp_path: Path) -> None:
    """A derived document without a service is to be deleted; one that was written by hand stays."""
    for name in ("pyproject.toml", "libs/testing/pyproject.toml", "docker-compose.yml", "README.md"):
        _copied(tmp_path, name)
    for name in ("docker-bake.hcl", "build.sh"):
        _copied(tmp_path, f"deploy/images/{name}")
    _copied(tmp_path, "docs/guides/run-on-docker-compose.md")
    for name in ("chunk", "router"):
        _copied(tmp_path, f"asyncapi/{name}/asyncapi.yaml")

    found = derived(tmp_path)

    assert {"chunk": None} == {path.parent.name: text for path, text in found.items() if "asyncapi" in path.parts}


def _copied(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text((ROOT / name).read_text())


@pytest.mark.parametrize(
    ("package", "entry", "problem"),
    [
        ("medkg-things-service", 'things = "medkg_things.app:service"', "the package medkg-things-service has"),
        ("medkg-other", 'things = "medkg_things.app:service"', "the package medkg-other has the services things"),
        ("medkg-things", "", "has the services none"),
        ("medkg-things", 'things = "medkg_no_such.app:service"', "cannot be loaded"),
    ],
)
def test_a_package_that_no_image_can_be_built_of_is_refused(
    tmp_path: Path, package: str, entry: str, problem: str
) -> None:
    """A package with another name, without an entry point or that is not installed is named, with what to do."""
    file = tmp_path / "services" / "things" / "pyproject.toml"
    file.parent.mkdir(parents=True)
    file.write_text(
        f'[project]\nname = "{package}"\ndependencies = ["medkg-stagekit"]\n\n'
        f'[project.entry-points."medkg.services"]\n{entry}\n'
    )

    with pytest.raises(ConfigurationError, match=problem) as refused:
        members(tmp_path)

    assert refused.value.info.remedy != ConfigurationError.remedy


def test_a_service_whose_name_a_library_has_is_a_package_of_its_own(tmp_path: Path) -> None:
    """The library `things` is medkg-things; its service cannot be that too."""
    (tmp_path / "libs" / "things").mkdir(parents=True)
    file = tmp_path / "services" / "things" / "pyproject.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[project]\nname = "medkg-things"\ndependencies = []\n')

    with pytest.raises(ConfigurationError) as refused:
        members(tmp_path)

    assert "Call it medkg-things-service, " in refused.value.info.remedy
