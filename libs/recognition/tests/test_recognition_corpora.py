"""Annotated texts are read alike, whatever form their files have."""

from pathlib import Path

import orjson
import pytest
from medkg_contracts.errors import InvalidInput, NotFound
from medkg_recognition.corpora import read_corpus
from medkg_recognition.corpus import Abstract, Gold

TITLE, BODY = "Naloxone & rats", "Bradycardia came of clonidine."
PUBTATOR = (
    f"1|t|{TITLE}\n1|a|{BODY}\n1\t0\t8\tNaloxone\tChemical\tD009270\n1\t16\t27\tBradycardia\tDisease\tD001919|D001145\n"
    "1\t36\t45\tclonidine\tChemical\t-1\n1\tCID\tD003000\tD001919\n"
)
WANTED = Abstract(
    "1",
    f"{TITLE} {BODY}",
    (
        Gold(0, 8, "Naloxone", "Chemical", ("MESH:D009270",)),
        Gold(16, 27, "Bradycardia", "Disease", ("MESH:D001919", "MESH:D001145")),
        Gold(36, 45, "clonidine", "Chemical", ()),
    ),
)


def annotation(gold: Gold, offset: int) -> dict[str, object]:
    """As BioC has it."""
    said = "|".join(id_.removeprefix("MESH:") for id_ in gold.ids) or "-1"
    place = {"offset": gold.start + offset, "length": gold.end - gold.start}
    return {"infons": {"type": gold.kind, "MESH": said}, "text": gold.text, "locations": [place]}


def bioc(offset: int = 0) -> bytes:
    """The same abstract in BioC's JSON, with its annotations so far from where they should be."""
    first, *others = (annotation(gold, offset) for gold in WANTED.mentions)
    passages = [
        {"offset": 0, "text": TITLE, "annotations": [first]},
        {"offset": len(TITLE) + 1, "text": BODY, "annotations": others},
    ]
    return orjson.dumps({"documents": [{"id": "1", "passages": passages}]})


def bioc_xml() -> str:
    """The same in XML."""
    passages = orjson.loads(bioc())["documents"][0]["passages"]
    parts = []
    for passage in passages:
        parts.append(
            f"<passage><offset>{passage['offset']}</offset><text>{passage['text'].replace('&', '&amp;')}</text>"
        )
        for number, each in enumerate(passage["annotations"]):
            infons = "".join(f'<infon key="{key}">{value}</infon>' for key, value in each["infons"].items())
            (place,) = each["locations"]
            where = f'<location offset="{place["offset"]}" length="{place["length"]}"/>'
            parts.append(f'<annotation id="{number}">{infons}{where}<text>{each["text"]}</text></annotation>')
        parts.append("</passage>")
    return f"<collection><document><id>1</id>{''.join(parts)}</document></collection>"


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", PUBTATOR.encode()), ("a.json", bioc()), ("a.xml", bioc_xml().encode())],
    ids=["PubTator", "BioC's JSON", "BioC's XML"],
)
def test_a_corpus_is_read(tmp_path: Path, name: str, content: bytes) -> None:
    """Texts with what is marked in them and which terms that means, of a file or of a folder."""
    (tmp_path / name).write_bytes(content)
    (tmp_path / "README.md").write_text("of which nothing is read")

    assert [WANTED] == read_corpus(tmp_path / name) == read_corpus(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", PUBTATOR.replace("16\t27", "17\t28").encode(), r"a.txt:4: 'Bradycardia' does not stand at 17..28"),
        ("a.txt", b"2\t0\t8\tNaloxone\tChemical\t-1\n", "a.txt:1: a mention of 2, whose text is not above it"),
        ("a.txt", b"nothing\n", "has no texts in PubTator's form"),
        ("a.txt", b"\xff", "is no text in UTF-8"),
        ("a.json", bioc(offset=1), "'Naloxone' does not stand at 1..9"),
        ("a.json", b'{"passages": []}', "is no BioC"),
        ("a.json", b"{", "is no JSON"),
        ("a.xml", b"<collection>", "a.xml:1 is no XML"),
        ("a.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares entities"),
    ],
)
def test_what_is_no_corpus_is_refused(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    """With the file, and where in it."""
    (tmp_path / name).write_bytes(content)

    with pytest.raises(InvalidInput, match=told):
        read_corpus(tmp_path / name)


def test_a_corpus_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    """Nor is one in a folder without any file of a known kind."""
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(NotFound, match="has no annotated texts"):
            read_corpus(path)


def test_white_space_behind_a_mention_does_not_count(tmp_path: Path) -> None:
    """As NCBI's corpus has it once."""
    (tmp_path / "a.txt").write_text("1|t|An old\n1|a|cold\n1\t7\t11\tcold  \tDisease\tD003139\n")
    (abstract,) = read_corpus(tmp_path)

    assert [Gold(7, 11, "cold", "Disease", ("MESH:D003139",))] == list(abstract.mentions)
