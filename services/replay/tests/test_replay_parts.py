"""Tokens, faults, recordings and the process."""

import gzip
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from urllib.request import urlopen

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import ConfigurationError, InvalidInput
from medkg_replay.faults import Fault, parse_faults
from medkg_replay.pack import pack
from medkg_replay.paging import page_offset, page_token
from medkg_replay.recordings import load_recordings
from medkg_replay.server import STUDIES
from medkg_stack.ports import free_port

Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

STUDY = "/api/v2/studies/NCT00353704"


@settings(max_examples=50)
@given(st.integers(0, 10**9), st.text(max_size=40))
def test_a_token_gives_back_its_offset(offset: int, key: str) -> None:
    """What was put into a token comes out of it."""
    assert offset == page_offset(page_token(offset, key), key)


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_any_other_text_is_refused_as_a_token(text: str) -> None:
    """A token that was not given is invalid input, never another failure."""
    with suppress(InvalidInput):
        pytest.fail(f"accepted as offset {page_offset(text, 'key')}")


def test_faults_are_read_from_their_notation() -> None:
    """Kind, argument and frequency are read; what is left out has its default."""
    expected = (Fault("429", "2", 5), Fault("503"), Fault("delay", "0.2"), Fault("truncate", every=7))
    assert expected == parse_faults("429:2/5; 503;delay:0.2 ;truncate/7")


@pytest.mark.parametrize("text", ["500", "429/0", "delay", "delay:soon", "truncate:1/x"])
def test_a_fault_outside_the_notation_is_refused(text: str) -> None:
    """The refusal quotes what was not understood."""
    with pytest.raises(InvalidInput, match=text):
        parse_faults(text)


async def test_a_fault_strikes_every_nth_request(client: Client) -> None:
    """With /3, the third and the sixth request fail and carry the Retry-After that was asked for."""
    async with client("429:2/3") as http:
        answers = [await http.get(STUDY) for _ in range(6)]
    assert [200, 200, 429, 200, 200, 429] == [answer.status_code for answer in answers]
    assert answers[2].headers["retry-after"] == "2"


async def test_a_request_can_ask_for_its_own_fault(client: Client) -> None:
    """The header makes one request fail and no other; a header that is no fault is a 400."""
    async with client() as http:
        answers = [await http.get(STUDY, headers={"x-replay-fault": fault}) for fault in ("503", "", "nonsense")]
    assert [503, 200, 400] == [answer.status_code for answer in answers]


def test_packing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """The packed file depends on the bodies alone."""
    folder = tmp_path / "studies"
    folder.mkdir()
    (folder / "NCT00000001.json").write_text('{"a": 1}')
    digests = []
    for name in ("one.jsonl.gz", "two.jsonl.gz"):
        assert pack(folder, tmp_path / name) == 1
        digests.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    "content",
    [
        b"not gzip",
        gzip.compress(b"not json\n"),
        gzip.compress(json.dumps({"sha256": "0" * 64, "body": "{}"}).encode()),
        gzip.compress(json.dumps({"sha256": hashlib.sha256(b"[]").hexdigest(), "body": "[]"}).encode()),
    ],
)
def test_a_damaged_recording_is_named(tmp_path: Path, content: bytes) -> None:
    """A file that is no recording, or whose body was changed, stops the start and is named."""
    (tmp_path / "studies.jsonl.gz").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"studies\.jsonl\.gz, line"):
        load_recordings(tmp_path)


def test_a_study_whose_aliases_are_null_has_none(tmp_path: Path) -> None:
    """What the source writes as null is not there."""
    identification = {"nctId": "NCT00000001", "nctIdAliases": None}
    modules = {"identificationModule": identification, "statusModule": {"overallStatus": "COMPLETED"}}
    (tmp_path / "NCT00000001.json").write_text(json.dumps({"protocolSection": modules}))
    pack(tmp_path, tmp_path / "studies.jsonl.gz")

    (study,) = load_recordings(tmp_path).studies
    assert ("NCT00000001", ()) == (study.nct_id, study.aliases)


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    """The refusal names the setting."""
    with pytest.raises(ConfigurationError, match="MK_REPLAY_RECORDINGS"):
        load_recordings(tmp_path)


def test_the_process_serves_and_ends_well_on_sigterm() -> None:
    """`python -m medkg_replay.app` says on its port of health when it is ready, and ends with status 0 when told."""
    port = free_port()
    environment = {**os.environ, "MK_REPLAY_PORT": str(port), "MK_REPLAY_FAULTS": ""}
    command = [sys.executable, "-m", "medkg_replay.app"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(json.loads(line) for line in process.stderr if "ready for work" in line)
        health = line["message"].rpartition(" ")[2]
        for place in (f"{health}/readyz", f"{port}{STUDIES}"):
            with urlopen(f"http://127.0.0.1:{place}") as answer:
                assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait() == 0


def test_a_taken_port_ends_the_process_with_its_reason() -> None:
    """What else listens there is not waited for, and the log says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = {**os.environ, "MK_REPLAY_PORT": str(taken.getsockname()[1])}
        ended = subprocess.run(
            [sys.executable, "-m", "medkg_replay.app"], env=environment, capture_output=True, text=True, check=False
        )

    (line,) = [json.loads(line) for line in ended.stderr.splitlines() if '"critical"' in line]
    assert 1 == ended.returncode
    assert "Address already in use" in line["message"]
    assert "choose another port" in line["message"]


def test_a_wrong_setting_ends_the_process_with_its_reason() -> None:
    """A fault that is not understood is said on standard error, and nothing is served."""
    environment = {**os.environ, "MK_REPLAY_FAULTS": "sometimes"}
    ended = subprocess.run(
        [sys.executable, "-m", "medkg_replay.app"], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "'sometimes' is no fault" in json.loads(ended.stderr.splitlines()[-1])["message"]
