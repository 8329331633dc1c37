"""The record that a request carries: whoever asked for the job has put it into the artifact store."""

from medkg_artifacts import ArtifactStore
from medkg_contracts.errors import InvalidDocument, InvalidRequest
from medkg_contracts.ir import RawPayload
from medkg_contracts.requests import JobRequest


async def carried_payload(store: ArtifactStore, tenant: str, request: JobRequest, max_bytes: int) -> RawPayload:
    """The payload, byte for byte as it was put there.

    Args:
        store: the artifacts of all tenants.
        tenant: whose job it is; its own artifacts alone are read.
        request: one item's, with a payload.
        max_bytes: a larger record is refused.

    Raises:
        InvalidRequest: the record is too large, or the request carries none.
        InvalidDocument: the record is not text in UTF-8.
        ArtifactMissing: it is not there, or belongs to another tenant.
        ArtifactCorrupt: its bytes have another digest.
        ArtifactStoreUnavailable: the store cannot be read.
    """
    ref = request.payload
    if ref is None or ref.uri is None or request.id is None:
        raise InvalidRequest("the request carries no payload")
    if ref.size > max_bytes:
        raise InvalidRequest(
            f"payload: {request.doc_id} has {ref.size:,} bytes; at most {max_bytes:,} are read",
            remedy="Raise MK_INGEST_MAX_BYTES if a record of this size is right.",
        )
    body = await store.get(tenant, ref)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"the payload {ref.uri} is not UTF-8: {error.reason} at byte {error.start}") from error
    return RawPayload(
        source=request.source,
        source_id=request.id,
        uri=ref.uri,
        media_type=ref.media_type,
        body=text,
        sha256=ref.sha256,
    )
