"""Claim checks for events: data that are too large for a record go to the store (CloudEvents `dataref`)."""

from dataclasses import replace
from typing import Final

from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.errors import MedkgError, PoisonRecord
from medkg_contracts.requests import DEFAULT_TENANT
from pydantic import ValidationError

from .store import ArtifactStore

#: Data above this many bytes do not travel.
CLAIM_CHECK_BYTES: Final = 64 * 1024

_DATAREF: Final = "dataref"


async def deposit(event: CloudEvent, store: ArtifactStore) -> CloudEvent:
    """The event as it may travel: with large data in the store and a ``dataref`` in their place.

    Raises:
        ArtifactStoreUnavailable: the store cannot be written.
    """
    if event.data is None or len(event.data) <= CLAIM_CHECK_BYTES:
        return event
    ref = await store.put(event.extensions.get("tenantid", DEFAULT_TENANT), "event-data", event.data)
    return replace(event, data=None, extensions={**event.extensions, _DATAREF: str(ref.uri)})


async def redeem(event: CloudEvent, store: ArtifactStore) -> CloudEvent:
    """The event with its data, wherever they are.

    Raises:
        PoisonRecord: the ``dataref`` is none of this store's, or nothing is there.
        ArtifactStoreUnavailable: the store cannot be read.
    """
    uri = event.extensions.get(_DATAREF)
    if uri is None or event.data is not None:
        return event
    try:
        ref = ArtifactRef(name="event-data", sha256=uri.rpartition("/")[2], size=CLAIM_CHECK_BYTES + 1, uri=uri)
        data = await store.get(event.extensions.get("tenantid", DEFAULT_TENANT), ref)
    except ValidationError as error:
        raise PoisonRecord(f"dataref {uri[:200]!r} is not of the form artifact://<tenant>/<sha256>") from error
    except MedkgError as error:
        if error.retryable:
            raise
        raise PoisonRecord(f"dataref: {error}") from error
    extensions = {name: value for name, value in event.extensions.items() if name != _DATAREF}
    return replace(event, data=data, extensions=extensions)
