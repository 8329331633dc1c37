"""How the weighted terms of a sparse vector stand in a record's field of rank features. Pure."""

from collections.abc import Mapping

#: OpenSearch takes a dot in a feature's name for the end of a field's name, and a name must not be empty.
_ESCAPES = str.maketrans({"%": "%25", ".": "%2E"})
#: OpenSearch takes only what is a normal 32-bit float.
_LEAST_WEIGHT = 2.0**-126


def feature_name(term: str) -> str:
    """The feature that stands for a term: ``%`` and ``.`` are written as in addresses, all else as it is."""
    return term.translate(_ESCAPES)


def feature_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """The terms' weights by feature, as a record or a query has them; what is too small for OpenSearch is left out."""
    return {feature_name(term): weight for term, weight in weights.items() if term and weight >= _LEAST_WEIGHT}
