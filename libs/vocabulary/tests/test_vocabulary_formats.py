"""Each format is read into the same terms."""

import gzip
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidInput
from medkg_vocabulary import FORMATS, Reading, Synonym, Term, format_of
from medkg_vocabulary.formats.identifiers import id_of
from medkg_vocabulary.formats.opening import opened

READING = Reading("DOID", "biolink:Disease")

ASTHMA = Term(
    id="DOID:2841",
    name="asthma",
    category="biolink:Disease",
    synonyms=(Synonym("bronchial asthma", "exact"), Synonym("wheeze", "related")),
    parents=("DOID:1176",),
    xrefs=("MESH:D001249", "SNOMEDCT:195967001"),
    former=("DOID:9",),
)

OBO = r"""
format-version: 1.2

[Term]
id: DOID:2841
name: asthma
alt_id: DOID:9
synonym: "bronchial asthma" EXACT []
synonym: "wheeze" RELATED []
xref: MSH:D001249
xref: SNOMEDCT_US_2023_03_01:195967001 {source="x"}
is_a: DOID:1176 ! bronchial disease

[Term]
id: DOID:1
name: gone
is_obsolete: true

[Typedef]
id: part_of
name: part of
"""

GRAPH = """{"graphs": [{
  "nodes": [
    {"id": "http://purl.obolibrary.org/obo/DOID_2841", "lbl": "asthma", "type": "CLASS", "meta": {
      "synonyms": [{"pred": "hasExactSynonym", "val": "bronchial asthma"},
                   {"pred": "hasRelatedSynonym", "val": "wheeze"}],
      "xrefs": [{"val": "MSH:D001249"}, {"val": "SNOMEDCT_US_2023_03_01:195967001"}, {"val": "https://x.test/a"}],
      "basicPropertyValues": [
        {"pred": "http://www.geneontology.org/formats/oboInOwl#hasAlternativeId", "val": "DOID:9"},
        {"pred": "http://www.geneontology.org/formats/oboInOwl#id", "val": "DOID:2841"}]}},
    {"id": "http://purl.obolibrary.org/obo/DOID_1", "lbl": "gone", "type": "CLASS", "meta": {"deprecated": true}}],
  "edges": [{"sub": "http://purl.obolibrary.org/obo/DOID_2841", "pred": "is_a",
             "obj": "http://purl.obolibrary.org/obo/DOID_1176"}]}]}"""

LISTED = """[{"id": "DOID:2841", "name": "asthma", "alt_ids": ["DOID:9"],
  "synonyms": ["bronchial asthma", {"value": "wheeze", "scope": "RELATED"}], "relations": {"is_a": ["DOID:1176"]},
  "xrefs": [{"namespace": "MESH", "id": "D001249"}, {"namespace": "SNOMEDCT_US_2023_03_01", "id": "195967001"}]}]"""

OWL = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:owl="http://www.w3.org/2002/07/owl#"
  xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xmlns:obo="http://www.geneontology.org/formats/oboInOwl#">
<owl:Ontology rdf:about="http://purl.obolibrary.org/obo/doid.owl"/>
<owl:Class rdf:about="http://purl.obolibrary.org/obo/DOID_2841">
  <owl:equivalentClass><owl:Class><owl:intersectionOf rdf:parseType="Collection">
    <owl:Class rdf:about="http://purl.obolibrary.org/obo/DOID_7"/></owl:intersectionOf></owl:Class></owl:equivalentClass>
  <rdfs:subClassOf rdf:resource="http://purl.obolibrary.org/obo/DOID_1176"/>
  <rdfs:subClassOf><owl:Restriction/></rdfs:subClassOf>
  <obo:hasAlternativeId>DOID:9</obo:hasAlternativeId>
  <obo:hasDbXref>MSH:D001249</obo:hasDbXref><obo:hasDbXref>SNOMEDCT_US_2023_03_01:195967001</obo:hasDbXref>
  <obo:hasDbXref>https://x.test/a</obo:hasDbXref>
  <obo:hasExactSynonym xml:lang="en">bronchial asthma</obo:hasExactSynonym>
  <obo:hasRelatedSynonym>wheeze</obo:hasRelatedSynonym>
  <rdfs:label xml:lang="de">Asthma bronchiale</rdfs:label><rdfs:label xml:lang="en">asthma</rdfs:label>
</owl:Class>
<owl:Class rdf:about="http://purl.obolibrary.org/obo/DOID_1"><rdfs:label>gone</rdfs:label>
  <owl:deprecated rdf:datatype="http://www.w3.org/2001/XMLSchema#boolean">true</owl:deprecated></owl:Class>
<owl:Class rdf:about="http://purl.obolibrary.org/obo/DOID_8"/>
</rdf:RDF>"""

MESH = """<?xml version="1.0"?>
<!DOCTYPE DescriptorRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmdescriptorrecordset_20190101.dtd">
<DescriptorRecordSet><DescriptorRecord>
  <DescriptorUI>D001249</DescriptorUI><DescriptorName><String>Asthma</String></DescriptorName>
  <TreeNumberList><TreeNumber>C08.127.108</TreeNumber></TreeNumberList>
  <ConceptList><Concept><TermList><Term><String>Asthma</String></Term><Term><String>Asthma, Bronchial</String></Term>
  </TermList></Concept></ConceptList>
</DescriptorRecord></DescriptorRecordSet>"""


def read(folder: Path, name: str, text: str, reading: Reading = READING) -> list[Term]:
    path = folder / name
    path.write_text(text)
    return list(FORMATS[format_of(path)](path, reading))


def test_obo_is_read(tmp_path: Path) -> None:
    """Terms with their synonyms, parents, cross-references and former ids; obsolete ones and relations are left out."""
    assert [ASTHMA] == read(tmp_path, "a.obo", OBO)


def test_obo_graphs_are_read(tmp_path: Path) -> None:
    """The same of JSON, whose ids are addresses."""
    assert [ASTHMA] == read(tmp_path, "a.json", GRAPH)


def test_a_list_of_terms_is_read(tmp_path: Path) -> None:
    """The same of the plainer JSON."""
    assert [ASTHMA] == read(tmp_path, "a.json", LISTED)


def test_mesh_is_read(tmp_path: Path) -> None:
    """What a descriptor is says its place in the trees."""
    expected = Term(
        "MESH:D001249", "Asthma", "biolink:Disease", (Synonym("Asthma, Bronchial"),), parents=("tree:C08.127.108",)
    )

    assert [expected] == read(tmp_path, "desc.xml", MESH, Reading("MESH", "biolink:NamedThing"))


def test_tables_are_read_with_headings_and_without(tmp_path: Path) -> None:
    """Columns are those of the headings, else id, name, synonyms and parents; an id gets the prefix if it has none."""
    plain = "2841\tasthma\tbronchial asthma|wheeze\t1176\n"
    headed = "name\tid\txrefs\nasthma\tDOID:2841\tMSH:D001249\n"

    assert [
        Term("DOID:2841", "asthma", "biolink:Disease", (Synonym("bronchial asthma"), Synonym("wheeze")), ("DOID:1176",))
    ] == read(tmp_path, "a.tsv", plain)
    assert [Term("DOID:2841", "asthma", "biolink:Disease", xrefs=("MESH:D001249",))] == read(tmp_path, "b.tsv", headed)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.tsv", "\tasthma\n", r"a\.tsv:1 has no id"),
        ("a.json", "{", "is no JSON"),
        ("a.json", '{"terms": 1}', "neither an OBO Graph nor a list"),
        ("a.tsv", "id\tname\n1\tasthma\tmore\n", r"a\.tsv:2 has 3 cells, and the headings are 2"),
        ("a.tsv", "id\tname\txrefs\n1\tasthma\tnone\n", r"a\.tsv:2: 'none' is no CURIE"),
        ("a.json", '{"graphs": [{"nodes": [{"lbl": "asthma"}]}]}', r"a\.json: /graphs/0/nodes/0 is not of the form"),
        ("a.json", '[{"id": "DOID:1", "name": 5}]', r"a\.json: /0 is not of the form"),
        ("a.json", '{"graphs": [{"edges": [{"pred": "is_a"}]}]}', r"a\.json: /graphs/0/edges is not of the form"),
        ("a.xml", "<a/>", "neither MeSH's nor OWL as RDF/XML: its root is a"),
        ("a.xml", "<DescriptorRecordSet>\n<a>\n</b>", r"a\.xml:3 is no XML"),
        ("a.xml", "<DescriptorRecordSet><DescriptorRecord/></DescriptorRecordSet>", "record 1 has no id"),
        ("a.xml", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "declares entities"),
        ("a.xml", '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>', "declares entities"),
        ("a.bin", "no format at all", "has none of the formats"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str, problem: str) -> None:
    """The line or the reason is told; an entity of another file is never looked at."""
    with pytest.raises(InvalidInput, match=problem):
        read(tmp_path, name, text)


def test_owl_is_read(tmp_path: Path) -> None:
    """The same of RDF/XML; names in other languages, deprecated classes and nameless ones are left out."""
    assert [ASTHMA] == read(tmp_path, "a.owl", OWL)


def test_compressed_files_are_read_as_they_are(tmp_path: Path) -> None:
    """By gzip or xz, as publishers give them away."""
    (tmp_path / "a.obo.gz").write_bytes(gzip.compress(OBO.encode()))
    (tmp_path / "a.obo.xz").write_bytes(lzma.compress(OBO.encode()))
    found = [list(FORMATS[format_of(path)](path, READING)) for path in sorted(tmp_path.iterdir())]

    assert [[ASTHMA], [ASTHMA]] == found


def test_what_is_cut_off_is_refused(tmp_path: Path) -> None:
    """A download that ended early is no smaller vocabulary."""
    (tmp_path / "a.obo.gz").write_bytes(gzip.compress(OBO.encode())[:-12])

    with pytest.raises(InvalidInput, match=r"a\.obo\.gz is damaged"):
        list(FORMATS["obo"](tmp_path / "a.obo.gz", READING))


def test_a_few_bytes_do_not_become_as_many_as_nobody_has(tmp_path: Path) -> None:
    """What decompresses without end is refused when it has passed the limit."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"a" * 5_000))

    with pytest.raises(InvalidInput, match="has more than 4,096 bytes"), opened(tmp_path / "a.gz", 4_096) as content:
        content.read()


def test_text_is_utf_8(tmp_path: Path) -> None:
    """The line that is not is told, rather than read with other letters."""
    (tmp_path / "a.tsv").write_bytes("1\tasthma\n2\tSjögren syndrome\n".encode("latin-1"))

    with pytest.raises(InvalidInput, match=r"a\.tsv:2 is no UTF-8"):
        list(FORMATS["tsv"](tmp_path / "a.tsv", READING))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://purl.obolibrary.org/obo/DOID_4", "DOID:4"),
        ("http://www.ebi.ac.uk/efo/EFO_0000400", "EFO:0000400"),
        ("https://identifiers.org/hgnc/5", "HGNC:5"),
        ("http://example.org/ward#Triage", "OWN:Triage"),
        ("MSH:D1", "MESH:D1"),
        ("17", "OWN:17"),
    ],
)
def test_ids_are_curies(text: str, expected: str) -> None:
    """Whatever form a file has them in; the prefix is that of those which say none."""
    assert expected == id_of(text, "OWN")


@given(st.binary(max_size=200))
def test_no_content_is_a_bug(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """A file of anything is read, or refused with an error that names it."""
    path = tmp_path_factory.mktemp("any") / "any"
    path.write_bytes(content)
    told = ""
    terms: list[Term] = []
    try:
        terms = list(FORMATS[format_of(path)](path, READING))
    except InvalidInput as error:
        told = str(error)

    assert ("any" in told) != bool(told == "" and all(term.id and term.name for term in terms))
