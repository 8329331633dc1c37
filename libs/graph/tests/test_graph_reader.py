"""What one tenant's graph answers: its entities, what is near them, and who says so."""

import pytest
from medkg_contracts.errors import InvalidRequest, NotFound, Unfinished
from medkg_graph import GraphReader, GraphServer, GraphWriter
from medkg_graph.reader import CLAIMS

from .facts import claim, entities_of, facts, facts_alone

pytestmark = pytest.mark.integration

NAMES = {"MESH:D1": "low back pain", "MESH:D2": "drug", "MEDKG:drug-1": "drug"}


async def test_entities_are_found_by_id_and_by_words_of_their_names(server: GraphServer) -> None:
    """An id is exact; words are looked for in names, whatever signs stand among them, and what is called so first."""
    await GraphWriter(server).write([facts("t1", NAMES)])
    reader = GraphReader(server)
    found = [(await reader.find("one", text)).entities for text in ("MESH:D1", "back (pain AND", "drug", "")]

    assert [["MESH:D1"], ["MESH:D1"], ["MESH:D2", "MEDKG:drug-1"], []] == [[one.id for one in each] for each in found]
    assert (True, ["MESH:D2"]) == (
        (few := await reader.find("one", "drug", limit=1)).more,
        [each.id for each in few.entities],
    )


async def test_synonyms_are_names(server: GraphServer) -> None:
    """A registered intervention's other names lead to it."""
    entities = entities_of("t1", NAMES)
    named = entities.entities[0].model_copy(update={"attributes": {"synonyms": ["Nucleoplasty", "coblation"]}})
    await GraphWriter(server).write([facts_alone(entities.model_copy(update={"entities": (named,)}))])

    assert named.id == (await GraphReader(server).node("one", "nucleoplasty")).id


async def test_other_tenants_names_take_no_place(server: GraphServer) -> None:
    """However many of their entities have the words, also those of a tenant whose name has this one's in it."""
    await GraphWriter(server).write(
        [
            facts("t0", {f"MESH:D{number}": "pain" for number in range(80)}, tenant="one-more"),
            facts("t1", {"MESH:D1": "pain that lasts for longer than one would like"}, tenant="one"),
        ]
    )

    assert ["MESH:D1"] == [each.id for each in (await GraphReader(server).find("one", "pain", limit=1)).entities]


async def test_a_study_is_named_by_its_number(server: GraphServer) -> None:
    """As people write it."""
    study = entities_of("t1", {"CLINICALTRIALS:NCT01367860": "a trial"})
    await GraphWriter(server).write([facts_alone(study)])

    assert "a trial" == (await GraphReader(server).node("one", "nct01367860")).name


async def test_ways_lead_over_other_entities(server: GraphServer) -> None:
    """A drug's trial's condition is two statements away, and the way there names both; names do for ids."""
    chain = [claim("t1", "TRIAL:t1", "biolink:related_to", id_) for id_ in ("MESH:D1", "MESH:D2")]
    await GraphWriter(server).write([facts("t1", NAMES, chain)])
    reader = GraphReader(server)
    near = await reader.neighbours("one", "drug", hops=2)
    (way,) = (await reader.paths("one", "drug", "low back pain")).paths

    assert [("TRIAL:t1", 1), ("MESH:D1", 2)] == [(each.node.id, len(each.way)) for each in near.neighbours]
    assert (1, True, False) == (near.statements, near.complete, near.more)
    assert ["Trial t1", "low back pain"] == [near.neighbours[1].way[1].subject_name, near.neighbours[1].node.name]
    assert (["MESH:D2", "TRIAL:t1", "MESH:D1"], 2) == ([node.id for node in way.nodes], len(way.claims))


async def test_ways_over_the_same_entities_are_one(server: GraphServer) -> None:
    """By however many documents' statements; with how many."""
    said = [claim(name, "MESH:D2", "biolink:treats", "MESH:D1") for name in ("t1", "t2", "t3")]
    await GraphWriter(server).write([facts(one.document_id, NAMES, [one]) for one in said])
    found = await GraphReader(server).paths("one", "MESH:D1", "MESH:D2", limit=1)

    assert ([3], False) == ([path.ways for path in found.paths], found.more)


async def test_only_wanted_predicates_are_followed(server: GraphServer) -> None:
    """By their names without the prefix, too; one that the graph does not have is told with those that it has."""
    said = [claim("t1", "MESH:D2", predicate, "MESH:D1") for predicate in ("biolink:treats", "biolink:related_to")]
    await GraphWriter(server).write([facts("t1", NAMES, said)])
    reader = GraphReader(server)
    near = await reader.neighbours("one", "MESH:D1", predicates=["treats"])

    assert [["biolink:treats"]] == [[part.predicate for part in each.way] for each in near.neighbours]
    with pytest.raises(InvalidRequest, match="the graph has no predicate 'cures'") as caught:
        await reader.evidence("one", "MESH:D1", predicate="cures")
    assert "related_to, treats" in caught.value.info.remedy


async def test_of_many_neighbours_some_are_told_and_that_there_are_more(server: GraphServer) -> None:
    """Those with most statements first."""
    names = {f"MESH:D{number}": f"thing {number}" for number in range(6)}
    said = [claim("t1", "MESH:D0", "biolink:treats", f"MESH:D{number}") for number in range(1, 6)]
    more = claim("t1", "MESH:D0", "biolink:related_to", "MESH:D4")
    await GraphWriter(server).write([facts("t1", names, [*said, more])])
    near = await GraphReader(server).neighbours("one", "MESH:D0", limit=2)

    assert ([("MESH:D4", 2), ("MESH:D1", 1)], True, 6) == (
        [(each.node.id, each.ways) for each in near.neighbours],
        near.more,
        near.statements,
    )


async def test_of_very_many_statements_a_part_is_looked_at(
    server: GraphServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer says that it is of a part; where a predicate names as few as are looked at it is of all."""
    monkeypatch.setattr("medkg_graph.reader._BREADTH", 2)
    names = {f"MESH:D{number}": f"thing {number}" for number in range(5)}
    said = [claim("t1", "MESH:D0", "biolink:treats", f"MESH:D{number}") for number in (1, 2)]
    more = [claim("t1", f"MESH:D{number}", "biolink:related_to", "MESH:D0") for number in (3, 4)]
    await GraphWriter(server).write([facts("t1", names, [*said, *more])])
    reader = GraphReader(server)
    near, all_said = await reader.neighbours("one", "MESH:D0"), await reader.evidence("one", "MESH:D0")
    treats = await reader.neighbours("one", "MESH:D0", predicates=["treats"])

    assert [(2, 4, False), (2, 2, True)] == [
        (len(each.neighbours), each.statements, each.complete) for each in (near, treats)
    ]
    assert (2, False) == (len(all_said.statements), all_said.complete)


async def test_documents_are_counted_however_many_claims_are_shown(server: GraphServer) -> None:
    """Each document once; what is shown of a statement is bounded, what supports it first."""
    said = {
        f"t{number}": claim(f"t{number}", "MESH:D2", "biolink:treats", "MESH:D1").model_copy(
            update={"negated": number % 5 == 0}
        )
        for number in range(CLAIMS + 5)
    }
    twice = claim("t1", "MESH:D2", "biolink:treats", "MESH:D1", direction="increased")
    await GraphWriter(server).write(
        [facts(name, NAMES, [one, *([twice] if name == "t1" else [])]) for name, one in said.items()]
    )
    reader = GraphReader(server)
    (balance,) = (await reader.evidence("one", "drug", "low back pain")).statements
    of_one = await reader.evidence("one", "drug")

    assert (20, 5, 26, CLAIMS) == (balance.supporting, balance.contradicting, balance.said, len(balance.claims))
    assert (False, [balance], True) == (balance.claims[0].negated, of_one.statements, of_one.complete)


async def test_statements_come_in_pages(server: GraphServer) -> None:
    """Those that most documents speak of first; each page goes on where the one before it ended."""
    names = {f"MESH:D{number}": f"thing {number}" for number in range(4)}
    said = [claim("t1", "MESH:D0", "biolink:treats", f"MESH:D{number}") for number in range(1, 4)]
    other = claim("t2", "MESH:D0", "biolink:treats", "MESH:D3")
    await GraphWriter(server).write([facts("t1", names, said), facts("t2", names, [other])])
    reader = GraphReader(server)
    pages = [await reader.evidence("one", "MESH:D0", limit=2, skip=skip) for skip in (0, 2)]

    assert [(["MESH:D3", "MESH:D1"], True), (["MESH:D2"], False)] == [
        ([each.object for each in page.statements], page.more) for page in pages
    ]


async def test_what_is_not_there_is_told(server: GraphServer) -> None:
    """No such entity, one entity for two, and a graph with nothing in it."""
    reader = GraphReader(server)
    with pytest.raises(NotFound, match="tenant 'one' has no entity 'MESH:D1'"):
        await reader.neighbours("one", "MESH:D1")
    await GraphWriter(server).write([facts("t1", NAMES)])
    with pytest.raises(InvalidRequest, match="are one entity, MESH:D2"):
        await reader.paths("one", "drug", "MESH:D2")


async def test_neo4j_itself_ends_a_question_that_takes_too_long(server: GraphServer) -> None:
    """Whoever asks is told, and what to do."""
    with pytest.raises(Unfinished, match=r"within 0\.2 s"):
        await server.read(lambda one: one.run("UNWIND range(1, 1000000000) AS x RETURN count(x) AS x"), 0.2)
