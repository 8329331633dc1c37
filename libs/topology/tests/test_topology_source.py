"""Reading YAML: lines, bounds and everything that is refused before a field is looked at."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_topology.source import MAX_BYTES, read_source


def problems(text: str | bytes) -> list[str]:
    content = text.encode() if isinstance(text, str) else text
    return [str(problem) for problem in read_source("x.yaml", content).problems]


def test_every_field_has_its_line() -> None:
    """A field stands at its key's line, a list item at its own."""
    source = read_source("x.yaml", b"# comment\nname: a\nstages:\n  - name: b\n    depends_on:\n      - c\n")

    assert {
        (): 2,
        ("name",): 2,
        ("stages",): 3,
        ("stages", 0): 4,
        ("stages", 0, "name"): 4,
        ("stages", 0, "depends_on"): 5,
        ("stages", 0, "depends_on", 0): 6,
    } == source.lines


def test_line_of_a_missing_field_is_its_surroundings() -> None:
    """A field that is not there is reported where its element begins."""
    source = read_source("x.yaml", b"stages:\n  - type: Gate\n    name: a\n")

    assert source.line(("stages", 0, "deadline")) == 2


def test_words_that_old_yaml_takes_for_something_else_stay_text() -> None:
    """`no`, `on`, `15:00` and a date are text, as in YAML 1.2."""
    source = read_source("x.yaml", b"a: no\nb: on\nc: 15:00\nd: 2026-11-21\ne: 010\n")

    assert source.data == {"a": "no", "b": "on", "c": "15:00", "d": "2026-11-21", "e": 10}


def test_scalars() -> None:
    """Numbers, booleans and nothing are what they look like."""
    source = read_source("x.yaml", b"a: 3\nb: -0.5\nc: true\nd:\ne: ~\nf: 'x'\n")

    assert source.data == {"a": 3, "b": -0.5, "c": True, "d": None, "e": None, "f": "x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: [1\nb: 2\n",
            (
                "x.yaml:2: file: is not YAML: expected ',' or ']', but got ':' while parsing a flow sequence. "
                "Remedy: Correct the indentation, quotes or brackets here."
            ),
        ),
        (
            "a: 1\n\tb: 2\n",
            (
                "x.yaml:2: file: is not YAML: found character '\\t' that cannot start any token "
                "while scanning for the next token. Remedy: Correct the indentation, quotes or brackets here."
            ),
        ),
        (
            "a: 1\nb: \x01\n",
            (
                "x.yaml:2: file: is not YAML: it has a control character. "
                "Remedy: Correct the indentation, quotes or brackets here."
            ),
        ),
        (
            "a: 1\n---\nb: 2\n",
            (
                "x.yaml:2: file: is not YAML: but found another document expected a single document in the stream. "
                "Remedy: Correct the indentation, quotes or brackets here."
            ),
        ),
        (
            "a: *b\n",
            (
                "x.yaml:1: file: is not YAML: found undefined alias 'b'. "
                "Remedy: Correct the indentation, quotes or brackets here."
            ),
        ),
        ("# nothing\n", "x.yaml:1: file: is empty. Remedy: Write it as the schema in topologies/schema says."),
        ("- a\n", "x.yaml:1: file: is not a mapping of fields. Remedy: Begin it with `name: value` lines."),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: a: stands twice; first on line 1. Remedy: Leave one of the two out."),
        ("a: 1\n7: 2\n", "x.yaml:2: file: has a key that is not text. Remedy: Put it in quotes."),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            (
                "x.yaml:1: a: has the tag tag:yaml.org,2002:python/object/apply:os.system. "
                "Remedy: Leave the tag out; plain text and numbers suffice."
            ),
        ),
        ("a: !!int x\n", "x.yaml:1: a: is no int that can be read. Remedy: Write it as plain text or a plain number."),
        (
            f"a: {'9' * 5000}\n",
            "x.yaml:1: a: is no int that can be read. Remedy: Write it as plain text or a plain number.",
        ),
        (
            "a: " + "[" * 5000,
            "x.yaml:1: file: is nested more than 12 deep. Remedy: Write it flat, as the schema says.",
        ),
        (
            "a: &a [1]\nb: [" + "*a, " * 65 + "]\n",
            "x.yaml:2: file: has more than 64 aliases. Remedy: Write the values out.",
        ),
        (
            "a: &a [*a]\n",
            "x.yaml:1: file: has more than 5000 values, aliases expanded. Remedy: Write the values out.",
        ),
        (
            "a:\n" + "- b\n" * 5000,
            "x.yaml:4999: file: has more than 5000 values. Remedy: Split it into several topologies.",
        ),
        ("a" * (MAX_BYTES + 1), "x.yaml:1: file: has more than 65536 bytes. Remedy: Split it into several topologies."),
    ],
)
def test_refusal(text: str, expected: str) -> None:
    """Each fault of the YAML itself has its own message with the line."""
    assert [expected] == problems(text)


def test_billion_laughs_are_refused() -> None:
    """Aliases of aliases are counted as expanded, before the memory is used."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 8)]

    assert problems("\n".join(lines)) == [
        "x.yaml:1: file: has more than 5000 values, aliases expanded. Remedy: Write the values out."
    ]


def test_bytes_that_are_not_utf8() -> None:
    """The line of the first wrong byte is named."""
    assert problems(b"a: 1\nb: \xff\n") == ["x.yaml:2: file: is not UTF-8 text. Remedy: Save the file as UTF-8."]


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    """Windows editors begin UTF-8 files with a mark."""
    assert read_source("x.yaml", b"\xef\xbb\xbfa: 1\n").data == {"a": 1}


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=200), st.text("a:-[]{}&*!|>\"'# \n\t1.", max_size=80).map(str.encode)))
def test_no_bytes_raise(content: bytes) -> None:
    """Whatever a file holds, the result is data or problems."""
    source = read_source("x.yaml", content)

    assert isinstance(source.data, dict) or source.problems
