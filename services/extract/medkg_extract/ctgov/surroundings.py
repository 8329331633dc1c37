"""Who runs a study, where, and which publications it names."""

from medkg_extract.gathering import local_id

from .trial import Trial


def surroundings(trial: Trial) -> None:
    """Sponsors, sites and references."""
    _sponsors(trial)
    _sites(trial)
    _references(trial)


def _sponsors(trial: Trial) -> None:
    module = trial.study / "protocolSection/sponsorCollaboratorsModule"
    named = [("lead_sponsor", module / "leadSponsor"), *(("collaborator", each) for each in module / "collaborators")]
    for role, sponsor in named:
        name = sponsor / "name"
        if name:
            kind = (sponsor / "class").text
            id_ = trial.facts.entity(local_id("organisation", name.text), "Agent", name.text, sponsor_class=kind)
            trial.facts.claim(trial.voice, trial.id, "related_to", id_, [name.evidence], role=role)


def _sites(trial: Trial) -> None:
    for site in trial.study / "protocolSection/contactsLocationsModule/locations":
        place = {field: (site / field).text for field in ("facility", "city", "state", "country", "zip")}
        name = ", ".join(part for part in (place["facility"], place["city"], place["country"]) if part)
        if not name:
            continue
        id_ = trial.facts.entity(local_id("site", *place.values()), "GeographicLocation", name, **place)
        where = next(field for field in (site / "facility", site / "city", site / "country") if field)
        status = (site / "status").text
        trial.facts.claim(trial.voice, trial.id, "occurs_in", id_, [where.evidence], status=status)


def _references(trial: Trial) -> None:
    for reference in trial.study / "protocolSection/referencesModule/references":
        pmid, citation = reference / "pmid", reference / "citation"
        if not (pmid or citation):
            continue
        id_ = f"PMID:{pmid.text}" if pmid else local_id("citation", citation.text)
        trial.facts.entity(id_, "Article", citation.text or id_)
        evidence = [(pmid or citation).evidence]
        kind = (reference / "type").text.lower()
        trial.facts.claim(trial.voice, trial.id, "mentions", id_, evidence, reference_type=kind)
