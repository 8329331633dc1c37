"""`medkg vocabulary`: what is built is shown again."""

import json
from pathlib import Path

import pytest

from .calling import medkg, medkg_json

TABLE = (
    "id\tname\tsynonyms\trelated\tparents\txrefs\tformer\n"
    "W:1\tward\t\t\t\t\t\n"
    "W:2\tstroke unit\tstroke ward\tneurology\tW:1\tMESH:D1\tW:9\n"
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A vocabulary's source."""
    path = tmp_path / "wards.tsv"
    path.write_text(TABLE)
    return path


def build(table: Path, output: Path, *options: str) -> tuple[str, ...]:
    said = ("--name", "wards", "--version", "3", "--licence", "CC0-1.0")
    return ("vocabulary", "build", str(table), "--output", str(output), *said, *options)


def test_what_is_built_is_shown(table: Path, tmp_path: Path) -> None:
    """What it is, of which source, and how much it has, by category and by scope."""
    output = tmp_path / "new" / "wards.vocabulary"
    built = medkg_json(*build(table, output, "--category", "biolink:Agent"))
    shown = medkg_json("vocabulary", "show", str(output))

    assert {"terms": 2, "names": 4} == built["compiled"]
    assert (built["digest"], "wards.tsv") == (shown["digest"], shown["about"]["source"])
    assert {"categories": {"biolink:Agent": 2}, "scopes": {"exact": 3, "related": 1}} == shown["counts"]


def test_a_term_is_shown_with_what_is_around_it(table: Path, tmp_path: Path) -> None:
    """By a former id as by its own, and by a name."""
    output = tmp_path / "wards.vocabulary"
    medkg(*build(table, output))
    by_id, by_name = (medkg_json("vocabulary", "show", str(output), term) for term in ("W:9", "Stroke WARD"))

    assert by_id == by_name == [
        {
            "id": "W:2", "name": "stroke unit", "category": "biolink:NamedThing",
            "names": {"exact": ["stroke ward"], "related": ["neurology"]}, "parents": [{"id": "W:1", "name": "ward"}],
            "children": [], "descendants": 0, "xrefs": ["MESH:D1"], "former": ["W:9"],
        }
    ]  # fmt: skip


def test_the_same_source_makes_the_same_file(table: Path, tmp_path: Path) -> None:
    """Whoever builds it again has changed nothing."""
    outputs = [tmp_path / "one", tmp_path / "two"]
    for output in outputs:
        medkg(*build(table, output))

    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_several_sources_are_one_vocabulary(table: Path, tmp_path: Path) -> None:
    """Each is read in its own format."""
    more = tmp_path / "more.json"
    more.write_text(json.dumps([{"id": "W:3", "name": "intensive care", "relations": {"is_a": ["W:1"]}}]))
    words = build(table, tmp_path / "wards.vocabulary")
    medkg("vocabulary", "build", str(more), *words[2:])
    (ward,) = medkg_json("vocabulary", "show", str(tmp_path / "wards.vocabulary"), "ward")

    assert ["W:2", "W:3"] == [child["id"] for child in ward["children"]]


@pytest.mark.parametrize(
    ("content", "options", "problem"),
    [
        ("W:1\n", (), "wards.tsv has none of the formats"),
        ("W:1\t\n", (), "wards.tsv:1 has no name"),
        ("W:1\ta\nW:1\tb\n", (), "has a term twice: W:1"),
        (TABLE, ("--format", "owlish"), "'owlish' is no format of vocabularies"),
        (TABLE, ("--name", "My wards"), "'My wards' is no name of a vocabulary"),
        (TABLE, ("--category", "Ward"), "category 'Ward'"),
    ],
)
def test_what_cannot_be_built_is_refused(
    table: Path, tmp_path: Path, content: str, options: tuple[str, ...], problem: str
) -> None:
    """With the reason, and nothing at the file's place."""
    table.write_text(content)
    result = medkg(*build(table, tmp_path / "wards.vocabulary", *options))

    assert (5, True, False) == (result.exit_code, problem in result.stderr, (tmp_path / "wards.vocabulary").exists())


def test_a_place_that_cannot_be_written_is_told(table: Path, tmp_path: Path) -> None:
    """It is no bug of ours."""
    (tmp_path / "wards").mkdir()
    result = medkg(*build(table, tmp_path / "wards"))

    assert (5, True) == (result.exit_code, "cannot be written" in result.stderr)


def test_a_name_that_nothing_has_is_told(table: Path, tmp_path: Path) -> None:
    """It is not found."""
    medkg(*build(table, tmp_path / "wards.vocabulary"))

    assert 3 == medkg("vocabulary", "show", str(tmp_path / "wards.vocabulary"), "nothing").exit_code


def test_people_see_it_in_words(table: Path, tmp_path: Path) -> None:
    """Names, what is above, and where else it is known."""
    medkg(*build(table, tmp_path / "wards.vocabulary"))
    shown = medkg("vocabulary", "show", str(tmp_path / "wards.vocabulary"), "stroke unit").stdout

    assert [
        "W:2 stroke unit (NamedThing)", "  exact: stroke ward", "  related: neurology", "  above: W:1 ward",
        "  elsewhere: MESH:D1", "  formerly: W:9",
    ] == shown.splitlines()  # fmt: skip
