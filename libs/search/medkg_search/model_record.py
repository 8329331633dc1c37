"""A record of which model's vectors a tenant has, beside the manifests in the tenant's index of documents."""

from collections.abc import Mapping
from typing import Any, Final

from medkg_contracts.errors import ConfigurationError, MedkgError
from medkg_contracts.model import first_violation
from pydantic import ValidationError

from .names import TenantNames
from .refusal import refused
from .server import SearchServer

_CONFLICT: Final = 409


async def create_record(
    server: SearchServer, names: TenantNames, id_: str, source: Mapping[str, Any]
) -> MedkgError | None:
    """Make the record; where somebody else has made it, why not.

    Raises:
        IndexMissing: the tenant has no index.
        IndexUnavailable: OpenSearch did not answer.
        ConfigurationError: OpenSearch refused.
    """
    path = f"/{names.documents}/_create/{id_}"
    made = await server.call("PUT", path, params={"require_alias": "true"}, body=source, accept=(_CONFLICT,))
    return refused(f"PUT {path}", made["error"], made["status"]) if "error" in made else None


def strange_record(item: Mapping[str, Any], what: str, error: ValidationError) -> ConfigurationError:
    """Says that an item of OpenSearch's answer is not the record that its id names."""
    return ConfigurationError(
        f"record {item['_id']} of index {item['_index']} is no {what}: {first_violation(error)}",
        remedy="Find who else writes into the index, or which version of medkg did, and correct the record.",
    )
