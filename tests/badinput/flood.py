"""A flood of damaged records that are about jobs which are under way, and the account of what became of each."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import orjson
from medkg_contracts import topics
from medkg_contracts.cloudevents import MAX_VALUE_BYTES, from_record
from medkg_contracts.deadletter import read_letter
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.records import Place, Record
from medkg_routing.inbound import Deferred, Reload, TimerFired
from medkg_routing.interpretation import read

from .chance import Dice
from .mutations import damage
from .seeds import DONE, QUEUE, TOPICS, Raw, seeds

#: The stage whose service runs, and one that has none: the test plays it.
STAGE: Final = "ingest"
SILENT: Final = "silent"
FLOODED: Final = (topics.REQUESTS, topics.CONTROL, topics.queue(STAGE), topics.done(SILENT))

#: The job and the stages of the documents' examples.
_JOB: Final = b"j-5b3d64922abe1d4483dda260"
_STAGES: Final = (b"parse", b"ingest", b"chunk", b"index")

#: So many records are larger than is read; all that are drawn would be a gigabyte.
_LARGE: Final = 5
#: What Kafka itself does not take.
_TOO_LARGE: Final = 1_100_000


def flood(count: int, victims: Sequence[str], seed: int) -> Iterator[Raw]:
    """Damaged records, a quarter for each of the flooded topics, about these jobs."""
    dice, large = Dice(seed), 0
    while count:
        topic = dice.pick(TOPICS)
        raw = damage(_about(dice.pick(seeds(topic)), dice.pick(victims), f"{seed}-{count}"), dice)
        size = len(raw.value or b"")
        if size > _TOO_LARGE or (size > MAX_VALUE_BYTES and large == _LARGE):
            continue
        large += size > MAX_VALUE_BYTES
        count -= 1
        yield raw


def _about(raw: Raw, victim: str, mark: str) -> Raw:
    """The record about this job, as an event that no other is."""
    named = {"ce_id": f"flood-{mark}".encode()}
    if raw.topic == DONE:
        named |= {"ce_stage": SILENT.encode()}
    headers = [(name, named.get(name, text or b"").replace(_JOB, victim.encode())) for name, text in raw.headers]
    value = None if raw.value is None else raw.value.replace(_JOB, victim.encode())
    topic = {QUEUE: topics.queue(STAGE), DONE: topics.done(SILENT)}.get(raw.topic, raw.topic)
    return Raw(topic, victim.encode(), tuple(headers), value)


class Account:
    """What DLQs and lifecycle say of the records of a flood."""

    def __init__(self, told: Iterable[Record]) -> None:
        self.letters: dict[Place, Raw] = {}
        self.causes: Counter[str] = Counter()
        for record in told:
            if record.topic == topics.EVENTS:
                self._hear(record)
            else:
                original = read_letter(record).original
                self.letters[original.place] = Raw(
                    original.topic, original.key, tuple(original.headers), original.value
                )

    def _hear(self, record: Record) -> None:
        """An event says what led to it, or which event it is about."""
        event = from_record(record.headers, record.value)
        about = orjson.loads(event.data or b"{}")
        named = {event.extensions.get("causationid"), about.get("event_id")}
        self.causes.update(str(identity) for identity in named - {None})

    def changed(self, sent: dict[Place, Raw]) -> list[Place]:
        """The records whose letters are not what was sent, byte for byte."""
        return [place for place, raw in sent.items() if self.letters.get(place, raw) != raw]

    def unaccounted(self, sent: dict[Place, Raw]) -> dict[Place, Raw]:
        """The records of which something had to be said, and was not."""
        left, causes = {}, self.causes.copy()
        for place, raw in sent.items():
            if place in self.letters or _is_obeyed_silently(raw):
                continue
            identity = _identity(raw)
            if causes[identity]:
                causes[identity] -= 1
            else:
                left[place] = raw
        return left


def _is_obeyed_silently(raw: Raw) -> bool:
    """Whether the damage has left an order to reload, a timer, or a deferral, which its stage's service tells of."""
    if raw.topic not in (topics.CONTROL, topics.done(SILENT)):
        return False
    try:
        inbound = read(raw.topic, from_record(raw.headers, raw.value))
    except PoisonRecord:
        return False
    return isinstance(inbound, Reload | TimerFired | Deferred)


def _identity(raw: Raw) -> str:
    try:
        return from_record(raw.headers, raw.value).id
    except PoisonRecord:
        return ""
