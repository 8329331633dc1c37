"""The artifact store: content-addressed claim checks."""

from .claim_check import CLAIM_CHECK_BYTES, deposit, redeem
from .store import ArtifactStore

__all__ = ["CLAIM_CHECK_BYTES", "ArtifactStore", "deposit", "redeem"]
