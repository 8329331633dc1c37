"""Calls the command `medkg` as a user does, against this session's servers."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medkg_bus.clients import producer_client
from medkg_cli.app import build
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, to_headers
from typer.testing import CliRunner, Result

REPOSITORY = Path(__file__).parents[3]


def medkg(*words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(build(words[0]), list(words))


def medkg_json(*words: str) -> Any:
    """Run the command with `--json`, which must succeed; what it printed."""
    result = medkg(*words, "--json")
    assert 0 == result.exit_code, result.stderr
    return json.loads(result.stdout)


def json_lines(result: Result) -> list[Any]:
    """What was printed line by line."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def send(bootstrap: str, *records: CloudEvent | bytes, topic: str = topics.EVENTS) -> None:
    """Publish events, or bytes that are none."""

    async def publish(given: Sequence[CloudEvent | bytes]) -> None:
        client = producer_client(bootstrap, "test")
        await client.start()
        try:
            for one in given:
                if isinstance(one, bytes):
                    await client.send_and_wait(topic, value=one, key=b"poison")
                else:
                    key = one.extensions["partitionkey"].encode()
                    await client.send_and_wait(topic, value=one.data, key=key, headers=to_headers(one))
        finally:
            await client.stop()

    asyncio.run(publish(records))
