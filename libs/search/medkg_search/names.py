"""The index names of a tenant. Nothing else in medkg puts an index name together."""

from medkg_contracts.errors import InvalidRequest
from medkg_contracts.model import TenantId
from pydantic import TypeAdapter, ValidationError

_TENANT: TypeAdapter[str] = TypeAdapter(TenantId)


class TenantNames:
    """A tenant's index names: ``medkg-<tenant>-chunks-v2`` behind ``medkg-<tenant>-chunks``, and so for documents.

    A tenant's id has no wildcard, comma or upper-case letter, and no two tenants share a name: every name of one
    starts with ``medkg-<tenant>-`` and ends with one of four fixed endings, none of which is another's tail.

    Raises:
        InvalidRequest: the tenant's id breaks its rule.
    """

    def __init__(self, tenant: str) -> None:
        try:
            self.tenant = _TENANT.validate_python(tenant)
        except ValidationError as error:
            raise InvalidRequest(
                f"tenant {tenant!r} is no tenant id: 1 to 63 of a-z, 0-9 and '-', not starting with '-'"
            ) from error

    @property
    def chunks(self) -> str:
        """The alias by which chunks are written and searched."""
        return f"medkg-{self.tenant}-chunks"

    @property
    def chunks_index(self) -> str:
        """The index that `chunks` stands for in this release: another analysis gets another version.

        Version 1 was English text (Porter's stems); version 2 is `medkg_search.analysis`.
        """
        return f"{self.chunks}-v2"

    @property
    def documents(self) -> str:
        """The alias of the manifests: which chunks each document has."""
        return f"medkg-{self.tenant}-documents"

    @property
    def documents_index(self) -> str:
        """The index that `documents` stands for at first."""
        return f"{self.documents}-v1"
