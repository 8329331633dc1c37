"""Settings of the router."""

from medkg_contracts.settings import Settings
from pydantic import Field


class RouterSettings(Settings):
    """What only the router needs.

    Attributes:
        max_records: at most so many events are decided at once (one round trip to Redis each way).
        sweep_s: how often outbox entries that somebody left behind are looked for, in seconds.
        stalled_s: a running job that has not moved for so many seconds is looked at, and told of as stalled.
    """

    max_records: int = Field(default=500, validation_alias="MK_ROUTER_MAX_RECORDS", ge=1, le=5000)
    sweep_s: float = Field(default=5.0, validation_alias="MK_ROUTER_SWEEP_S", gt=0)
    stalled_s: float = Field(default=300.0, validation_alias="MK_STALLED_S", gt=0)
