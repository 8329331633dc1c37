"""Each format is read into the same terms."""

from pathlib import Path

import pytest
from medkg_contracts.errors import ConfigurationError, InvalidInput
from medkg_vocabulary import FORMATS, Reading, Synonym, Term, format_of

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
      "xrefs": [{"val": "MSH:D001249"}, {"val": "SNOMEDCT_US_2023_03_01:195967001"}, {"val": "https://x.test/a"}]}},
    {"id": "http://purl.obolibrary.org/obo/DOID_1", "lbl": "gone", "type": "CLASS", "meta": {"deprecated": true}}],
  "edges": [{"sub": "http://purl.obolibrary.org/obo/DOID_2841", "pred": "is_a",
             "obj": "http://purl.obolibrary.org/obo/DOID_1176"}]}]}"""

LISTED = """[{"id": "DOID:2841", "name": "asthma", "alt_ids": ["DOID:9"],
  "synonyms": ["bronchial asthma", {"value": "wheeze", "scope": "RELATED"}], "relations": {"is_a": ["DOID:1176"]},
  "xrefs": [{"namespace": "MESH", "id": "D001249"}, {"namespace": "SNOMEDCT_US_2023_03_01", "id": "195967001"}]}]"""

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
    """The same of JSON, whose ids are addresses; former ids it does not say."""
    assert [Term(**{**_fields(ASTHMA), "former": ()})] == read(tmp_path, "a.json", GRAPH)


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
        ("a.xml", "<a>", "no XML of MeSH"),
        ("a.xml", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "no XML of MeSH"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str, problem: str) -> None:
    """The line or the reason is told; an entity of another file is never looked at."""
    with pytest.raises(InvalidInput, match=problem):
        read(tmp_path, name, text)


def test_a_format_that_does_not_show_has_to_be_named() -> None:
    """It is not guessed."""
    with pytest.raises(ConfigurationError, match=r"what format a\.zip has"):
        format_of(Path("a.zip"))


def _fields(term: Term) -> dict[str, object]:
    return {name: getattr(term, name) for name in Term.__slots__}
