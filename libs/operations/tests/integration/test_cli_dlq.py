"""`medkg dlq` against real servers and a real router."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from medkg_contracts import topics
from medkg_contracts.data import LetterClosed
from medkg_contracts.deadletter import REDRIVEN, DeadLetter
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind
from medkg_contracts.records import Record

from libs.cli.tests.calling import medkg, medkg_json

from .operating import Playground, playground

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def place(kafka_bootstrap: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    """A running router whose stages the tests play."""
    with playground(kafka_bootstrap, redis_url, tmp_path_factory.mktemp("dlq")) as place:
        yield place


@pytest.fixture
def failed(place: Playground) -> str:
    """A job that failed at its first stage."""
    job = place.submit()
    place.fail(place.first, job)
    return job


@pytest.fixture
def code() -> str:
    """A code that only this test's letters have."""
    return f"code-{uuid4().hex[:8]}"


def letters(*words: str) -> list[dict[str, object]]:
    """What `medkg dlq list` lists."""
    return list(medkg_json("dlq", "list", *words)["letters"])


def letter_of(job: str) -> str:
    """Where the job's letter stands."""
    (letter,) = letters("--job", job)
    return str(letter["letter"])


def refused(place: Playground, code: str, record: Record) -> None:
    """Put a record on the router's DLQ."""
    error = PoisonRecord("no attributes").info.model_copy(update={"code": code})
    place.bury(topics.ROUTER_DLQ, DeadLetter(record, "medkg.router", "PoisonRecord", error))


def poison(place: Playground, code: str, key: bytes | None, value: bytes | None) -> str:
    """A dead letter of the router's, about a record that nobody can read; where it stands."""
    headers = [("a", b"1"), ("a", None), ("b", b"\xff")]
    refused(place, code, Record(topics.REQUESTS, 2, 9, 1_000, key, value, headers))
    (letter,) = letters("--code", code)
    return str(letter["letter"])


def redriven(place: Playground, name: bytes) -> list[Record]:
    """The records on the request topic that were redriven under this id."""
    return [record for record in place.records(topics.REQUESTS) if dict(record.headers).get(REDRIVEN) == name]


def test_a_letter_is_listed_and_shown(place: Playground, failed: str):
    """A failed stage's record is an open letter, with the error, its remedy and its job."""
    listed = medkg("dlq", "list", "--stage", place.first, "--job", failed)
    assert "timeout" in listed.stdout
    shown = medkg_json("dlq", "show", letter_of(failed))
    assert ("open", "timeout", failed, place.first, "1") == (
        *(shown["state"], shown["error"]["code"], shown["job"]["id"]),
        *(shown["job"]["stage"], shown["job"]["epoch"]),
    )
    assert {"source": "ctgov", "id": "NCT1", "topology": place.name} == shown["value"]["json"]["request"]


def test_a_letters_value_is_given_as_it_is(place: Playground, code: str):
    """--raw writes the value's bytes and nothing else."""
    letter = poison(place, code, b"k", b"\x00garbage\n")
    assert b"\x00garbage\n" == medkg("dlq", "show", letter, "--raw").stdout_bytes


def test_a_redriven_job_goes_on_where_it_failed(place: Playground, failed: str):
    """Redriving a stage's letter runs the job again from that stage, closes the letter and tells of it."""
    (outcome,) = medkg_json("dlq", "redrive", letter_of(failed), "--by", "ann", "--reason", "fixed")
    assert "redriven" == outcome["result"], outcome
    place.asked(place.first, failed, epoch=2)
    assert [] == letters("--job", failed)
    (closed,) = letters("--job", failed, "--closed")
    assert ("redriven", "ann") == (closed["state"], closed["closed"]["order"]["by"])
    told = read_data(place.told(failed, Kind.RECORD_REDRIVEN), LetterClosed)
    assert outcome["letter"] == f"{told.dlq}/{told.partition}@{told.offset}"


def test_a_job_that_goes_on_is_skipped(place: Playground, failed: str):
    """A letter whose job was run again by other means is skipped, and the reason is told."""
    letter = letter_of(failed)
    assert 0 == medkg("job", "rerun", failed).exit_code
    (outcome,) = medkg_json("dlq", "redrive", letter)
    assert ("skipped", "the job is running") == (outcome["result"], outcome["detail"])
    place.fail(place.first, failed, epoch=2)
    first, second = sorted(letters("--job", failed), key=lambda each: str(each["job"]["epoch"]))
    (outcome,) = medkg_json("dlq", "redrive", str(first["letter"]))
    assert "this is run 1 of 2" in outcome["detail"]
    (outcome,) = medkg_json("dlq", "redrive", str(second["letter"]))
    assert "redriven" == outcome["result"]


def test_two_letters_of_one_run_are_one_order(place: Playground, failed: str):
    """Letters that tell of the same run twice, as after a crash, run the job once and are both closed."""
    record = place.asked(place.first, failed)
    error = PoisonRecord("again").info
    place.bury(topics.dlq(place.first), DeadLetter(record, "medkg.x", "StageTimeout", error))
    outcomes = medkg_json("dlq", "redrive", "--all", "--job", failed)
    assert ["redriven", "redriven"] == [outcome["result"] for outcome in outcomes]
    place.asked(place.first, failed, epoch=2)
    assert [] == letters("--job", failed)
    assert 1 == place.state(failed).run


@pytest.mark.parametrize(("key", "value"), [(None, None), (b"k", None), (None, b"\xff"), (b"k", b"{}")])
def test_another_record_is_sent_again_byte_for_byte(place: Playground, code: str, key: bytes, value: bytes):
    """A record of another kind is on its topic again, on its partition, as it was, with two headers more."""
    letter = poison(place, code, key, value)
    (outcome,) = medkg_json("dlq", "redrive", letter)
    assert "redriven" == outcome["result"], outcome
    (closed,) = [each for each in letters("--code", code, "--closed") if each["letter"] == letter]
    headers, _ = place.found(topics.EVENTS, f"dlq:{topics.ROUTER_DLQ}" if key is None else "k", Kind.RECORD_REDRIVEN)
    (again,) = redriven(place, dict(headers)["ce_id"] or b"")
    assert (2, key, value) == (again.partition, again.key, again.value)
    assert [("a", b"1"), ("a", None), ("b", b"\xff")] == list(again.headers)[:-2]
    assert "redriven" == closed["state"]


def test_a_record_larger_than_a_letter_is_sent_again(place: Playground, code: str):
    """A record that went to the artifact store, too large for a letter, is sent again as it was."""
    value = bytes(3 * 1024 * 1024)
    letter = poison(place, code, b"k", value)
    assert str(medkg_json("dlq", "show", letter)["record"]["stored"]).startswith("artifact://system/")
    (outcome,) = medkg_json("dlq", "redrive", letter)
    assert "redriven" == outcome["result"], outcome
    assert [value] == [record.value for record in place.records(topics.REQUESTS) if len(record.value or b"") > 2**21]


def test_a_record_that_kafka_does_not_take_stays_open(place: Playground, code: str):
    """A letter whose topic does not exist any more is refused with the reason and stays open."""
    refused(place, code, Record(f"gone{code}", 0, 0, 0, b"k", b"v", []))
    result = medkg("dlq", "redrive", "--all", "--code", code, "--json")
    assert (1, True) == (result.exit_code, '"refused"' in result.stdout)
    assert 1 == len(letters("--code", code))


def test_a_discarded_letter_is_closed(place: Playground, code: str):
    """A letter that is put aside is open no more; a second time there is nothing to do."""
    letter = poison(place, code, b"k", b"v")
    (outcome,) = medkg_json("dlq", "discard", letter, "--reason", "a test")
    assert "discarded" == outcome["result"]
    assert [] == letters("--code", code)
    (again,) = medkg_json("dlq", "discard", letter)
    assert "skipped" == again["result"]
    assert [] == medkg_json("dlq", "discard", "--all", "--code", code)


def test_a_dry_run_does_nothing(failed: str):
    """--dry-run says what would be done, and the letter stays open."""
    (task,) = medkg_json("dlq", "redrive", "--all", "--job", failed, "--latest", "--dry-run")
    assert ("rerun", True) == (task["action"], "newest version" in task["detail"])
    assert 1 == len(letters("--job", failed))


def test_many_letters_need_a_yes(place: Playground, code: str):
    """More letters than a few are not dealt with unless somebody agrees; a rate and a limit are kept to."""
    for number in range(12):
        refused(place, code, Record(topics.REQUESTS, 0, number, 0, b"k", b"v", []))
    unasked = medkg("dlq", "discard", "--all", "--code", code)
    assert (2, True) == (unasked.exit_code, "need --yes" in unasked.stderr)
    assert 3 == len(medkg_json("dlq", "discard", "--all", "--code", code, "--limit", "3"))
    assert 9 == len(medkg_json("dlq", "discard", "--all", "--code", code, "--yes", "--rate", "200"))


@pytest.mark.parametrize("letter", ["router.dlq.v1/0@99999999", "router.dlq.v1/99@0", "nobodys.dlq.v1/0@0"])
@pytest.mark.usefixtures("place")
def test_an_unknown_letter_is_not_found(letter: str):
    """A letter that is not there ends the command with 3."""
    assert 3 == medkg("dlq", "show", letter).exit_code


@pytest.mark.usefixtures("place")
def test_a_kafka_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch):
    """Without Kafka the command ends with 4."""
    monkeypatch.setenv("MK_KAFKA", "127.0.0.1:1")
    assert 4 == medkg("dlq", "list").exit_code
