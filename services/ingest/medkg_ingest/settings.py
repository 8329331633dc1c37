"""Settings of the ingest and expand stages."""

from typing import Annotated

from medkg_contracts.settings import Settings
from pydantic import Field, StringConstraints

HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")]
#: A header's value: printable ASCII.
HeaderText = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$")]
Seconds = Annotated[float, Field(gt=0, le=600)]


class IngestSettings(Settings):
    """Where the sources are and how politely they are asked.

    Attributes:
        ctgov_url: base URL of ClinicalTrials.gov, or of the replay server.
        ctgov_rate: pages of searches a second that one process asks ClinicalTrials.gov for; single studies are fetched
            at the rate of the stage's policy.
        ctgov_page_size: studies on one page of a search.
        contact: a mail address or URL in the User-Agent, so that a source can reach its caller.
        connect_timeout_s: seconds to reach a source.
        read_timeout_s: seconds of silence after which an answer is given up.
        max_bytes: an answer larger than this is refused.
        retry_wait_s: seconds within which one request is tried again in place; 0 for never.
    """

    ctgov_url: HttpUrl = Field("https://clinicaltrials.gov", validation_alias="MK_CTGOV_URL")
    ctgov_rate: Annotated[float, Field(gt=0, le=100_000)] = Field(1.0, validation_alias="MK_CTGOV_RATE")
    ctgov_page_size: Annotated[int, Field(ge=1, le=1000)] = Field(100, validation_alias="MK_CTGOV_PAGE_SIZE")
    contact: HeaderText = Field("", validation_alias="MK_INGEST_CONTACT")
    connect_timeout_s: Seconds = Field(5.0, validation_alias="MK_INGEST_CONNECT_TIMEOUT_S")
    read_timeout_s: Seconds = Field(20.0, validation_alias="MK_INGEST_READ_TIMEOUT_S")
    max_bytes: Annotated[int, Field(ge=1)] = Field(32 * 1024 * 1024, validation_alias="MK_INGEST_MAX_BYTES")
    retry_wait_s: Annotated[float, Field(ge=0, le=60)] = Field(5.0, validation_alias="MK_INGEST_RETRY_WAIT_S")
