"""The one pydantic configuration that every contract model has."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError


class Contract(BaseModel):
    """An immutable value of the wire or of the store; an unknown field is an error, not a guess.

    A number is finite: JSON cannot hold another, so it would be read as something else than was written.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, ser_json_bytes="base64", val_json_bytes="base64"
    )


#: A name in a topology (stage, gate, artifact, policy): it becomes part of topic names and metric labels.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]

#: What an option of a stage may be in a topology.
OptionValue = str | int | float | bool

#: A job, batch or tenant id: safe as a Kafka key, a Redis key part, an index name part and a path segment.
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]

#: A tenant: also part of OpenSearch index names, which are lower case.
TenantId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]

#: A SHA-256 digest, 64 lower-case hexadecimal digits.
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def first_violation(error: ValidationError) -> str:
    """The first violation of a pydantic error, as ``field: message``; a field's name may be as long as the data."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:200]
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {first['msg']}{more}" if where else first["msg"] + more
