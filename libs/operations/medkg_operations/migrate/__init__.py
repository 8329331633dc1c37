"""The jobs of the system before medkg, brought into the ledger."""

from .migrate import BadLine, MigrationReport, migrate

__all__ = ["BadLine", "MigrationReport", "migrate"]
