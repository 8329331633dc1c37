"""Where a work appeared, who paid for it, and what it cites."""

from typing import Final

from medkg_contracts.knowledge import Scalar

from medkg_extract.record import Field

from .work import PUBLICATION, Work

#: Sources in which works appear one after the other; any other, such as a repository, makes works of others available.
_SERIALS: Final = frozenset({"journal", "book series", "conference"})
_PLACE: Final = ("volume", "issue", "first_page", "last_page")


def surroundings(work: Work) -> None:
    """Source, publisher, funders, cited works."""
    _source(work)
    _funders(work)
    _citations(work)


def _source(work: Work) -> None:
    # Older records have `host_venue`, and the publisher's name in it.
    source = next(
        (each for each in (work.record / "primary_location/source", work.record / "host_venue") if each), None
    )
    if source is None:
        return
    if not isinstance(source.value, dict):
        work.facts.drop("source_malformed")
        return
    name, kind = source / "display_name", (source / "type").text
    linking = work.curie(source / "issn_l", "issn")
    serial = kind in _SERIALS or (not kind and linking is not None)
    ids = [linking, work.curie(source / "id", "openalex")]
    ids += [work.curie(each, "issn") for each in work.texts(source / "issn")]
    if not (any(ids) or name):
        # Who has published it may be known all the same.
        _host(work, source, work.id, serial=True)
        return
    id_ = work.node("source", "Serial" if serial else "Agent", name, ids, source_type=kind)
    if id_ is None:
        return
    place = [field for field in (work.record / f"biblio/{each}" for each in _PLACE) if field]
    evidence = [field.evidence for field in (name, source / "id", source / "issn_l", *source / "issn", *place) if field]
    said: dict[str, Scalar] = {field.pointer.rpartition("/")[2]: field.text for field in place}
    predicate = "part_of" if serial else "has_provider"
    work.facts.claim(work.asserted, work.id, predicate, id_, evidence, "knowledge_assertion", **said)
    _host(work, source, id_, serial=serial)


def _host(work: Work, source: Field, published: str, *, serial: bool) -> None:
    """Who publishes a serial, or the work, or keeps a repository."""
    name, own = source / "host_organization_name" or source / "publisher", source / "host_organization"
    if not (name or own):
        return
    if (id_ := work.node("organisation", "Agent", name, [work.curie(own, "openalex")])) is None:
        return
    evidence = [field.evidence for field in (name, own) if field]
    if serial:
        work.facts.claim(work.asserted, published, "has_publisher", id_, evidence)
    else:
        work.facts.claim(work.asserted, published, "related_to", id_, evidence, role="host_organization")


def _funders(work: Work) -> None:
    """Who paid, with the numbers of the awards where they are known."""
    known: dict[str, list[str | None]] = {}
    for funder in work.objects(work.record / "funders"):
        ids = [work.curie(funder / "ror", "ror"), work.curie(funder / "id", "openalex")]
        known[(funder / "id").text] = ids
        _funder(work, ids, funder / "display_name", funder / "id")
    for field, its in (
        ("grants", ("funder", "funder_display_name", "award_id")),
        ("awards", ("funder_id", "funder_display_name", "funder_award_id")),
    ):
        for award in work.objects(work.record / field):
            funder, name, number = (award / each for each in its)
            ids = known.get(funder.text) or [work.curie(funder, "openalex")]
            _funder(work, ids, name, funder, number)


def _funder(work: Work, ids: list[str | None], name: Field, own: Field, number: Field | None = None) -> None:
    id_ = work.node("organisation", "Agent", name, ids)
    evidence = [field.evidence for field in (name, own, number) if field]
    if id_ is not None and evidence:
        award = number.text if number is not None else ""
        work.facts.claim(work.asserted, work.id, "has_contributor", id_, evidence, role="funder", award=award)


def _citations(work: Work) -> None:
    for cited in work.texts(work.record / "referenced_works"):
        if (id_ := work.curie(cited, "openalex")) is not None:
            work.facts.entity(id_, PUBLICATION, "")
            work.facts.claim(work.asserted, work.id, "mentions", id_, [cited.evidence], reference_type="cited")
