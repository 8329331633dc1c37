"""The artifact store: content-addressed claim checks."""

from .claim_check import CLAIM_CHECK_BYTES, deposit, redeem
from .series import Edition, Series
from .store import SYSTEM_TENANT, ArtifactStore

__all__ = ["CLAIM_CHECK_BYTES", "SYSTEM_TENANT", "ArtifactStore", "Edition", "Series", "deposit", "redeem"]
