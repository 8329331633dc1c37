"""What a work is about: MeSH headings, and the topics, concepts, keywords and goals that OpenAlex has found."""

from itertools import pairwise
from typing import Final

from medkg_contracts.knowledge import Scalar

from medkg_extract.record import Field

from .work import Work

#: Above a topic, from near to far.
_LEVELS: Final = ("subfield", "field", "domain")


def subjects(work: Work) -> None:
    """All that the record says of it."""
    _headings(work)
    _topics(work)
    for concept in work.objects(work.record / "concepts"):
        ids = [work.curie(concept / "wikidata", "wikidata"), work.curie(concept / "id", "openalex")]
        level = work.number(concept / "level")
        _found(work, concept, "concept", ids, **({} if level is None else {"concept_level": int(level)}))
    for keyword in work.objects(work.record / "keywords"):
        _found(work, keyword, "keyword", [work.curie(keyword / "id", "openalex-path")])
    for goal in work.objects(work.record / "sustainable_development_goals"):
        _found(work, goal, "sustainable_development_goal", [])


def _headings(work: Work) -> None:
    """MeSH's headings, each with its subheading, if any; those of the work as a whole are what it is about."""
    for heading in work.objects(work.record / "mesh"):
        descriptor, subheading = heading / "descriptor_ui", heading / "qualifier_ui"
        if (id_ := work.curie(descriptor, "mesh")) is None:
            continue
        work.facts.entity(id_, "NamedThing", (heading / "descriptor_name").text)
        work.facts.about(id_)
        work.facts.claim(
            work.asserted,
            work.id,
            "related_to",
            id_,
            [field.evidence for field in (descriptor, subheading) if field],
            role="mesh_heading",
            major_topic=(heading / "is_major_topic").value is True,
            subheading=(heading / "qualifier_name").text,
            subheading_id=subheading.text,
        )


def _topics(work: Work) -> None:
    """Topics, the primary one among them, with what each is a part of."""
    primary = work.record / "primary_topic"
    if primary.value is not None and not isinstance(primary.value, dict):
        work.facts.drop("primary_topic_malformed")
    for topic in (*work.objects(work.record / "topics"), *([primary] if isinstance(primary.value, dict) else [])):
        first = bool(topic / "id") and (topic / "id").value == (primary / "id").value
        id_ = _found(work, topic, "topic", [work.curie(topic / "id", "openalex")], primary=first)
        chain = [(topic, id_)]
        for level in _LEVELS:
            above = topic / level
            if above:
                chain.append((above, _node(work, above, level, [work.curie(above / "id", "openalex-path")])))
        for (_, part), (above, whole) in pairwise(chain):
            if part and whole:
                evidence = [(above / "id" or above / "display_name").evidence]
                work.facts.claim(work.asserted, part, "part_of", whole, evidence)


def _found(work: Work, field: Field, role: str, ids: list[str | None], **said: Scalar) -> str | None:
    """What OpenAlex has found the work to be about, with how sure it is."""
    id_ = _node(work, field, role, ids)
    if id_ is None:
        return None
    name, score = field / "display_name", work.number(field / "score")
    evidence = [each.evidence for each in (name, field / "id", field / "wikidata", field / "score") if each]
    if score is not None:
        said["score"] = score
    work.facts.claim(work.predicted, work.id, "related_to", id_, evidence, "prediction", role=role, **said)
    return id_


def _node(work: Work, field: Field, kind: str, ids: list[str | None]) -> str | None:
    return work.node(kind, "NamedThing", field / "display_name", ids)
