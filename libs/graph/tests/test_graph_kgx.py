"""The graph as KGX files: what goes out comes back as it was, and what is wrong with a file is told."""

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidInput
from medkg_contracts.knowledge import Claim, Claims, Entities, Entity, Extraction, RecordEvidence
from medkg_graph import Facts, facts_of
from medkg_graph.kgx.cells import columns_of, record_of, row_of
from medkg_graph.kgx.files import Form, RecordWriter, paths_of, read_rows
from medkg_graph.kgx.reading import Reading
from medkg_graph.kgx.records import EDGE_COLUMNS, NODE_COLUMNS, edge_record, node_record
from medkg_graph.kgx.spool import Spool
from medkg_graph.walk import ClaimFound, Description, EntityFound

#: Text with all that a table could trip over.
TEXT = st.text(st.sampled_from("ab 1|\t\n\r\"'\\é\u2028,.{") | st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = st.sampled_from(
    ["value", "role", "category", "name", "xref", "id", "medkg_is", "negated", "p_value", "subject"]
)
SCALARS = (
    TEXT | st.sampled_from(["1", "1.0", "true", "007", "nan", "a|b", ""]) | st.booleans()
    | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.lists(TEXT, max_size=3)
)  # fmt: skip
IDS = ("MESH:D1", "MESH:D2|x", "MEDKG:a-b/c")


@st.composite
def documents(draw: st.DrawFn) -> list[Facts]:
    """Facts of some documents about the same few things, with attributes and qualifiers of every kind."""
    found = []
    for document in draw(st.sets(st.sampled_from(["t:1", "t:2", "t|3\t"]), min_size=1)):
        entities = [
            Entity(
                id=id_,
                category=draw(st.sampled_from(["biolink:Drug", "biolink:Disease"])),
                name=draw(TEXT),
                xrefs=tuple(sorted(draw(st.sets(st.sampled_from(["DOID:1", "X:a|b"]))))),
                attributes=draw(st.dictionaries(NAMES.filter(lambda name: name not in TAKEN), SCALARS, max_size=3)),
            )
            for id_ in sorted(draw(st.sets(st.sampled_from(IDS), min_size=1)))
        ]
        itself = Entity(id=f"DOC:{len(document)}{document[2]}", category="biolink:Article", name=draw(TEXT))
        ends = st.sampled_from([each.id for each in (*entities, itself)])
        claims = {
            claim.id: claim
            for claim in draw(st.lists(st.builds(
                Claim,
                document_id=st.just(document), subject=ends, object=ends,
                predicate=st.sampled_from(["biolink:treats", "biolink:related_to"]), negated=st.booleans(),
                qualifiers=st.dictionaries(NAMES.filter(lambda name: name not in TAKEN), SCALARS, max_size=3),
                evidence=st.builds(
                    RecordEvidence, payload=st.just("0" * 64), pointer=st.just("/a"), value=TEXT
                ).map(lambda part: (part,)),
                knowledge_source=st.sampled_from(["infores:a", "infores:b"]), knowledge_level=st.just("observation"),
                agent_type=st.just("manual_agent"), publications=st.sampled_from([(), ("PMID:1",), ("X:a|b", "Y:c")]),
                model=st.sampled_from([None, "llm"]), confidence=st.floats(0, 1),
            ), max_size=3))
        }  # fmt: skip
        extraction = Extraction(version=draw(TEXT) if claims else "", digests={"llm": "a" * 64} if claims else {})
        told = Entities(
            document_id=document, document=itself, entities=tuple(entities), mentions=(), extraction=extraction
        )
        found.append(facts_of("one", told, Claims(document_id=document, claims=tuple(claims.values()))))
    return sorted(found, key=lambda each: each.document_id)


#: Names that the graph itself uses, which facts refuse.
TAKEN = {"id", "category", "name", "negated", "xrefs", "document"}


def walked(facts: Iterable[Facts]) -> tuple[list[EntityFound], list[ClaimFound]]:
    """What walking a graph of these facts gives."""
    facts = list(facts)
    descriptions: dict[str, dict[str, list[Facts]]] = {}
    for each in facts:
        for row in each.entities:
            described = orjson.dumps(row.properties, option=orjson.OPT_SORT_KEYS).decode()
            descriptions.setdefault(row.id, {}).setdefault(described, []).append(each)
    entities = [
        EntityFound(id_, tuple(
            Description(described, tuple(one.document_id for one in by),
                        tuple(one.document_id for one in by if one.node == id_))
            for described, by in its.items()
        ))
        for id_, its in sorted(descriptions.items())
    ]  # fmt: skip
    claims = [
        ClaimFound(row.subject, row.object, {**row.properties, "id": row.id, "document": each.document_id})
        for each in facts
        for row in sorted(each.claims, key=lambda row: row.id)
    ]
    return entities, claims


def written(facts: Iterable[Facts], folder: Path, form: Form, prefix: str = "graph") -> tuple[Path, Path]:
    """Both files of a graph of these facts."""
    entities, claims = walked(facts)
    files = paths_of(str(folder / prefix), form)
    with RecordWriter(files[0], form, NODE_COLUMNS) as nodes, RecordWriter(files[1], form, EDGE_COLUMNS) as edges:
        for entity in entities:
            nodes.write(node_record(entity))
        for claim in claims:
            edges.write(edge_record(claim))
    return files


def read(files: tuple[Path, Path], name: str = "file", source: str | None = None) -> tuple[list[Facts], list[str]]:
    """The facts of the documents of both files, and what is wrong with rows."""
    with Spool() as spool:
        reading = Reading(spool, lambda _: None)
        reading.read(*files, name, source)
        facts = list(reading.facts("one", files[0]))
        return facts, [f"{each.file.name}:{each.line}: {each.problem}" for each in reading.bad]


@pytest.mark.parametrize("form", ["tsv", "jsonl"])
@given(facts=documents())
def test_documents_come_back_as_they_went(tmp_path_factory: pytest.TempPathFactory, form: Form, facts) -> None:
    """All documents, with the same facts to the last type, by either form; no row is bad."""
    assert (facts, []) == read(written(facts, tmp_path_factory.mktemp("kgx"), form))


@given(record=st.dictionaries(NAMES, SCALARS))
def test_a_row_says_exactly_what_the_record_does(record) -> None:
    """Whatever its values are; and it is one line of as many cells as there are columns."""
    record = {name: value for name, value in record.items() if not name.startswith("medkg_")}
    columns = columns_of(NODE_COLUMNS, record)
    row = row_of(record, columns)
    cells = row.split("\t")

    assert (len(columns), False) == (len(cells), "\n" in row or "\r" in row)
    assert record == record_of(dict(zip(columns, cells, strict=True)))


def test_what_a_cell_says_by_itself_is_said_once() -> None:
    """Only what a reader would take for something else stands in the last column."""
    record = {
        "id": "MESH:D1",
        "xref": ["DOID:1", "DOID:2"],
        "p_value": 0.05,
        "has_count": 3,
        "serious": True,
        "value": "12",
    }

    assert ["MESH:D1", "", "", "DOID:1|DOID:2", "3", "0.05", "true", "12", '{"value":"12"}'] == row_of(
        record, columns_of(NODE_COLUMNS, record)
    ).split("\t")


@pytest.mark.parametrize("form", ["tsv", "jsonl"])
def test_the_same_graph_makes_the_same_bytes(tmp_path: Path, form: Form) -> None:
    """Compressed or not, whenever it is written."""
    facts = [graph_of("t:1"), graph_of("t:2")]
    one, other = written(facts, tmp_path / "a", form, "x.gz"), written(facts, tmp_path / "b", form, "y.gz")
    plain = written(facts, tmp_path, form)

    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
    assert [path.read_bytes() for path in plain] == [gzip.decompress(path.read_bytes()) for path in one]


def graph_of(document: str) -> Facts:
    """A small document."""
    entities = Entities(
        document_id=document,
        document=Entity(id=f"PMID:{document[-1]}", category="biolink:Article", name="An article"),
        entities=(Entity(id="MESH:D1", category="biolink:Disease", name="Pain"),),
        mentions=(),
        extraction=Extraction(version="1"),
    )
    claim = Claim(
        document_id=document, subject=f"PMID:{document[-1]}", predicate="biolink:mentions", object="MESH:D1",
        evidence=(RecordEvidence(payload="0" * 64, pointer="/a", value="pain"),), knowledge_source="infores:openalex",
        knowledge_level="knowledge_assertion", agent_type="manual_agent",
    )  # fmt: skip
    return facts_of("one", entities, Claims(document_id=document, claims=(claim,)))


NODES = [
    {"id": "CHEBI:6801", "category": ["biolink:SmallMolecule", "biolink:ChemicalEntity"], "name": "metformin"},
    {"id": "MONDO:0005148", "category": ["biolink:Disease"], "name": "type 2 diabetes", "iri": "http://x/1"},
]
EDGE = {"id": "e1", "subject": "CHEBI:6801", "predicate": "biolink:treats", "object": "MONDO:0005148",
        "primary_knowledge_source": "infores:drugcentral", "publications": ["PMID:1"], "Weird Column": 3,
        "sources": [{"resource_id": "infores:x"}]}  # fmt: skip


def lines(folder: Path, name: str, rows: Iterable[object]) -> Path:
    """A file of JSON lines; text stands there as it is."""
    path = folder / name
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def test_a_file_of_others_is_one_document(tmp_path: Path) -> None:
    """Its claims name the file's row as evidence, and keep the source, the publications and whatever else it says."""
    (facts,), bad = read((lines(tmp_path, "n.jsonl", NODES), lines(tmp_path, "e.jsonl", [EDGE])), "drugs")
    (edge,) = facts.claims
    wanted = {
        "knowledge_source": "infores:drugcentral", "publications": ["PMID:1"], "weird_column": 3, "kgx_id": "e1",
        "sources": ['{"resource_id":"infores:x"}'], "knowledge_level": "not_provided", "extraction": "kgx",
    }  # fmt: skip

    assert ([], "kgx:drugs", "MEDKG:kgx-drugs") == (bad, facts.document_id, facts.node)
    assert wanted == {name: value for name, value in edge.properties.items() if name in wanted}
    assert "/0" == json.loads(edge.properties["evidence"][0])["pointer"]


def test_a_statement_that_stands_there_twice_has_both_rows(tmp_path: Path) -> None:
    """It is one claim, with two pieces of evidence and all publications."""
    edges = [{**EDGE, "id": None}, {**EDGE, "id": None, "publications": ["PMID:2"]}]
    (facts,), bad = read((lines(tmp_path, "n.jsonl", NODES), lines(tmp_path, "e.jsonl", edges)))
    (edge,) = facts.claims

    assert ([], 2, ["PMID:1", "PMID:2"]) == (bad, len(edge.properties["evidence"]), edge.properties["publications"])


@pytest.mark.parametrize(
    ("nodes", "edges", "problem"),
    [
        (NODES, ["{"], "e.jsonl:1: is no JSON"),
        (NODES, ["", "[]"], "e.jsonl:2: is no JSON object"),
        (NODES, [EDGE, {**EDGE, "object": "MONDO:1"}], "e.jsonl:2: MONDO:1 is not among the nodes"),
        (NODES, [{**EDGE, "predicate": "biolink:Cures it"}], "e.jsonl:1: predicate: String should match"),
        (NODES, [{**EDGE, "primary_knowledge_source": None}], "e.jsonl:1: has no primary_knowledge_source, and no"),
        (NODES, [{**EDGE, "negated": "perhaps"}], "e.jsonl:1: negated is 'perhaps', neither true nor false"),
        (NODES, [{**EDGE, "knowledge_level": "guess"}], "e.jsonl:1: knowledge_level: Input should be"),
        ([*NODES, NODES[0]], [], "n.jsonl:3: the node CHEBI:6801 is there twice"),
        ([*NODES, {"name": "x"}], [], "n.jsonl:3: has no id"),
    ],
)  # fmt: skip
def test_a_bad_row_is_told_with_its_line(tmp_path: Path, nodes: list, edges: list, problem: str) -> None:
    """What is wrong, and where; all others are read."""
    facts, bad = read((lines(tmp_path, "n.jsonl", nodes), lines(tmp_path, "e.jsonl", edges)))

    assert (1, 1) == (len(facts), len(bad))
    assert bad[0].startswith(problem)


def test_a_row_of_a_table_with_other_cells_is_bad(tmp_path: Path) -> None:
    """Too few or too many, or bytes that are no UTF-8."""
    path = tmp_path / "n.tsv"
    path.write_bytes(b"id\tcategory\nMESH:D1\nMESH:D2\tbiolink:Drug\nMESH:D3\t\xff\n")

    assert [(2, "has 1 cells, but the header 2"), (3, ""), (4, "'utf-8' codec can't decode byte 0xff")] == [
        (row.line, row.problem[:36]) for row in read_rows(path)
    ]


def test_an_edge_of_ours_that_was_altered_is_bad(tmp_path: Path) -> None:
    """Its id is that of what it says."""
    nodes, edges = written([graph_of("t:1")], tmp_path, "jsonl")
    edges.write_text(edges.read_text().replace("biolink:mentions", "biolink:treats"))
    _, bad = read((nodes, edges))

    assert bad[0].startswith("graph_edges.jsonl:1: its id is ")


def test_a_document_that_is_not_whole_is_told(tmp_path: Path) -> None:
    """Its claims are there, but no node is it."""
    nodes, edges = written([graph_of("t:1")], tmp_path, "jsonl")
    nodes.write_text("".join(row for row in nodes.read_text().splitlines(keepends=True) if "PMID" not in row))
    facts, bad = read((nodes, edges))

    assert ([], ["graph_nodes.jsonl:0: no node is the document t:1"]) == (facts, bad)


@pytest.mark.parametrize(
    ("name", "body", "problem"),
    [
        ("n.csv", b"", "is neither .tsv nor .jsonl"),
        ("n.tsv", b"", "has no header"),
        ("n.jsonl.gz", b"no gzip", "cannot be read"),
        ("n.jsonl.gz", gzip.compress(b"{}" * 1000)[:30], "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, body: bytes, problem: str) -> None:
    """Another form, no header, no gzip, half of a file."""
    path = tmp_path / name
    path.write_bytes(body)
    with pytest.raises(InvalidInput, match=f"{name} {problem}"):
        list(read_rows(path))


def test_what_fails_half_way_leaves_no_file(tmp_path: Path) -> None:
    """Nobody takes half of a graph for the whole."""

    def break_off() -> Iterator[None]:
        with RecordWriter(tmp_path / "x.tsv", "tsv", NODE_COLUMNS) as file:
            file.write({"id": "MESH:D1"})
            raise InvalidInput("enough")
        yield

    with pytest.raises(InvalidInput, match="enough"):
        next(break_off())

    assert [] == list(tmp_path.iterdir())
