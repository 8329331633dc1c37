"""The page behind the one that was shown last, which `medkg search --next` asks for.

A cursor has kilobytes, so that nobody wants to see it, or to type it: it is kept in a file beside the local stack's.
"""

from pathlib import Path
from typing import Final

from medkg_contracts.errors import NotFound
from medkg_search.hybrid import HybridPage, HybridRequest, SimilarRequest
from pydantic import TypeAdapter, ValidationError

_FILE: Final = "next-page.json"
_REQUEST: Final[TypeAdapter[HybridRequest | SimilarRequest]] = TypeAdapter(HybridRequest | SimilarRequest)


def keep_next(folder: Path, request: HybridRequest | SimilarRequest, page: HybridPage) -> bool:
    """Keep what asks for the page behind this one, or that there is none; whether it could be kept."""
    file = folder / _FILE
    try:
        if page.cursor is None:
            file.unlink(missing_ok=True)
            return False
        folder.mkdir(parents=True, exist_ok=True)
        following = request.model_copy(update={"cursor": page.cursor})
        file.write_bytes(_REQUEST.dump_json(following, exclude_none=True))
    except OSError:  # as in a container, whose folders are not written to
        return False
    return True


def kept_next(folder: Path) -> HybridRequest | SimilarRequest:
    """What asks for the page behind the one that was shown last.

    Raises:
        NotFound: there is none.
    """
    try:
        return _REQUEST.validate_json((folder / _FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise NotFound(
            "no search of this folder has a page behind the one that was shown last",
            remedy="Search again with a text, or with --like.",
        ) from error
