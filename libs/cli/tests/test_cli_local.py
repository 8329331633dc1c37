"""The stack of this machine as the settings describe it."""

from pathlib import Path

import pytest
from medkg_cli.local import Local, environment_of, read_names, read_scale, split, write_env
from medkg_cli.settings import CliSettings
from medkg_cli.stack import last_lines
from medkg_contracts.errors import ConfigurationError, NotFound


def settings(tmp_path: Path, **fields: object) -> CliSettings:
    return CliSettings(_env_file=None).model_copy(update={"stack_root": tmp_path / ".medkg", **fields})


def test_services_ask_replay_unless_told_otherwise(tmp_path: Path):
    """Without a source in the settings, services ask the replay server, at its own pace."""
    environment = environment_of(settings(tmp_path, ctgov_url=None, ctgov_rate=None, replay_port=9999))
    assert ("http://127.0.0.1:9999", "200") == (environment["MK_CTGOV_URL"], environment["MK_CTGOV_RATE"])


def test_a_source_of_the_settings_is_kept(tmp_path: Path):
    """Who wants the real site gets it."""
    environment = environment_of(settings(tmp_path, ctgov_url="https://clinicaltrials.gov", ctgov_rate=1.0))
    assert ("https://clinicaltrials.gov", "1") == (environment["MK_CTGOV_URL"], environment["MK_CTGOV_RATE"])


def test_services_get_an_absolute_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Services find the topologies wherever they run."""
    monkeypatch.chdir(tmp_path)
    environment = environment_of(settings(tmp_path, topologies=Path("topologies")))
    assert str(tmp_path / "topologies") == environment["MK_TOPOLOGIES"]


def test_the_env_file_is_written(tmp_path: Path):
    """A first start writes the settings, so that every later command finds the stack."""
    added = write_env(tmp_path / ".env", {"MK_KAFKA": "127.0.0.1:9092", "MK_OPENSEARCH_URL": "http://127.0.0.1:9200"})
    assert ["MK_KAFKA", "MK_OPENSEARCH_URL"] == added
    assert "MK_KAFKA=127.0.0.1:9092\nMK_OPENSEARCH_URL=http://127.0.0.1:9200\n" == (tmp_path / ".env").read_text()


def test_what_a_person_wrote_in_the_env_file_stays(tmp_path: Path):
    """Only what the file does not say is added; a comment says nothing."""
    file = tmp_path / ".env"
    file.write_text("MK_KAFKA=elsewhere:9092\n# MK_LOG_LEVEL=DEBUG")
    write_env(file, {"MK_KAFKA": "127.0.0.1:9092", "MK_LOG_LEVEL": "INFO"})
    assert "MK_KAFKA=elsewhere:9092\n# MK_LOG_LEVEL=DEBUG\nMK_LOG_LEVEL=INFO\n" == file.read_text()


def test_a_byte_order_mark_hides_no_setting(tmp_path: Path):
    """The first setting of a file that begins with such a mark is there, and is not added."""
    file = tmp_path / ".env"
    file.write_text("MK_KAFKA=elsewhere:9092\n", encoding="utf-8-sig")

    assert [] == write_env(file, {"MK_KAFKA": "127.0.0.1:9092"})


def test_names_are_split_into_servers_and_services():
    """Servers and services can be named together."""
    assert (["kafka"], ["chunk", "router"]) == split(["router", "kafka", "chunk"])


def test_no_names_are_all():
    """Without names everything is meant."""
    assert (None, None) == split(read_names([]))


def test_an_unknown_name_is_not_found():
    """A name that is neither server nor service is not found, and those that are, are told."""
    with pytest.raises(NotFound, match="'kafak'") as caught:
        split(["kafak"])
    assert "kafka" in caught.value.info.remedy


def test_names_may_stand_in_one_word():
    """Names are given with commas, by repetition, or both."""
    assert ["kafka", "opensearch", "chunk"] == read_names(["kafka,opensearch", "chunk"])


def test_a_scale_is_read():
    """Several services can be scaled at once."""
    assert {"chunk": 3, "parse": 2} == read_scale(["chunk=3,parse=2"])


def test_a_scale_without_number_is_refused():
    """A scale without a number is refused."""
    with pytest.raises(ConfigurationError, match="chunk=3"):
        read_scale(["chunk"])


def test_only_services_scale():
    """A server is no service, and there is one of it."""
    with pytest.raises(NotFound, match="kafka"):
        read_scale(["kafka=3"])


def test_a_service_without_number_is_its_first_process(tmp_path: Path):
    """`medkg logs chunk` is the log of its first process."""
    log = tmp_path / ".medkg" / "logs" / "chunk-1.log"
    log.parent.mkdir(parents=True)
    log.touch()
    assert log == Local(settings(tmp_path), print).log("chunk")


def test_a_log_that_is_not_there(tmp_path: Path):
    """A service that never ran has no log, which is said."""
    with pytest.raises(NotFound, match="'chunk'"):
        Local(settings(tmp_path), print).log("chunk")


def test_artifacts_of_the_stack_are_wiped(tmp_path: Path):
    """A wipe takes the artifacts with it that stand in the stack's folder."""
    artifacts = tmp_path / ".medkg" / "artifacts"
    artifacts.mkdir(parents=True)
    Local(settings(tmp_path, artifacts_url=f"file://{artifacts}"), print).wipe_artifacts()
    assert not artifacts.exists()


def test_artifacts_elsewhere_are_left_alone(tmp_path: Path):
    """A wipe of the stack deletes nothing outside its folder."""
    elsewhere = tmp_path / "precious"
    elsewhere.mkdir()
    Local(settings(tmp_path, artifacts_url=f"file://{elsewhere}"), print).wipe_artifacts()
    assert elsewhere.exists()


def test_the_last_lines_of_a_log(tmp_path: Path):
    """A log is shown from its end, whatever bytes it holds."""
    (tmp_path / "log").write_bytes(b"one\ntwo\nthr\xffee\n")
    assert ["two", "thr\ufffdee"] == last_lines(tmp_path / "log", 2)
