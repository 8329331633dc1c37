"""Who wrote a work, and where they were at home then."""

from medkg_extract.gathering import local_id
from medkg_extract.record import Field

from .work import Work


def authors(work: Work) -> None:
    """Authors in their order, each with the institutions of the time."""
    for order, authorship in enumerate(work.objects(work.record / "authorships"), 1):
        name = authorship / "author/display_name" or authorship / "raw_author_name"
        author = _author(work, authorship, name)
        if author is None:
            continue
        fields = [name, *(authorship / each for each in ("author/id", "author/orcid", "author_position"))]
        work.facts.claim(
            work.asserted,
            work.id,
            "has_author",
            author,
            [field.evidence for field in fields if field],
            order=order,
            position=(authorship / "author_position").text,
            corresponding=(authorship / "is_corresponding").value is True,
            written=(authorship / "raw_author_name").text,
        )
        _institutions(work, authorship, author)


def _author(work: Work, authorship: Field, name: Field) -> str | None:
    ids = [work.curie(authorship / "author/orcid", "orcid"), work.curie(authorship / "author/id", "openalex")]
    if name.text and not any(ids):
        # Two people may have one name: without an id they are told apart by their works.
        ids = [local_id("author", work.id, name.text)]
    return work.node("author", "Agent", name, ids)


def _institutions(work: Work, authorship: Field, author: str) -> None:
    written = list(work.objects(authorship / "affiliations"))
    for institution in work.objects(authorship / "institutions"):
        id_ = work.node(
            "organisation",
            "Agent",
            institution / "display_name",
            [work.curie(institution / "ror", "ror"), work.curie(institution / "id", "openalex")],
            country=(institution / "country_code").text,
            organisation_type=(institution / "type").text,
        )
        if id_ is None:
            continue
        own = institution / "id"
        said = [
            affiliation / "raw_affiliation_string"
            for affiliation in written
            if own and own.text in {each.text for each in affiliation / "institution_ids"}
        ]
        fields = [institution / "display_name", own, institution / "ror", *said]
        evidence = [field.evidence for field in fields if field]
        work.facts.claim(work.asserted, author, "member_of", id_, evidence, role="affiliation")
