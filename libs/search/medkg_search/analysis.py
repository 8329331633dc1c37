"""How biomedical text becomes terms: OpenSearch's analyzers, of what its distribution has; no plugin is needed.

Two analyzers read each text:

- `PROSE` makes words: Greek letters by their names, doses apart from their units, salts by one name, possessives and
  plurals and word forms by a light stemmer (KStem), which leaves names alone that Porter's cuts.
- `NAMES` makes one term of a name, however it is written: PARAGON-HF, Paragon-HF and PARAGONHF are ``paragonhf``, IL-6
  and IL6 are ``il6``. It keeps what looks like a name (a hyphen, a digit among letters, capitals after the first
  letter) and nothing else, so that it costs little and a name is as rare in it as it is in the literature.
"""

import re
from typing import Any, Final

PROSE: Final = "medkg_prose"
NAMES: Final = "medkg_names"
#: Of a query: every word, since somebody may write a name in small letters and without its hyphen.
NAMES_QUERY: Final = "medkg_names_query"
#: Of keywords that are found however they are capitalised.
KNOWN_AS: Final = "medkg_known_as"
#: A name's length says nothing, nor does the text's; one mention is nearly as good as many.
NAME_SIMILARITY: Final = "medkg_name"

_LETTERS: Final = re.findall(
    r"\w+",
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi "
    "psi omega",
)
_SMALL: Final = "αβγδεζηθικλμνξοπρστυφχψω"
_CAPITAL: Final = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ"
#: Set before a Greek letter that stands alone, and before the second of two (γδ): words of Greek stay as they are.
_FIRST, _SECOND = "\ue000", "\ue001"
_GREEK: Final = r"\p{IsGreek}"
_UNITS: Final = "mg|mcg|ug|g|kg|ng|pg|ml|dl|l|ul|mmol|umol|nmol|mol|iu|u|mm|cm|nm|mmhg|gy|mgy|mci|mbq|hz|kda|bp|kb"
_HYPHENS: Final = "\u2010\u2011\u2012\u2013\u2212"


def _signs() -> dict[str, str]:
    """What stands for what: the longest that fits is taken. µg is mcg, TNF and alpha are joined."""
    names = {_FIRST: "", _SECOND: ""}
    for letters in (_SMALL, _CAPITAL):
        for letter, name in zip(letters, _LETTERS, strict=True):
            names |= {f"{_FIRST}{letter}": f"-{name}-", f"{_SECOND}{letter}": f"-{name}-"}
    names |= {f"{_FIRST}ς": "-sigma-", f"{_SECOND}ς": "-sigma-"}
    # The micro sign is one character, the Greek letter that looks the same another.
    for micro in ("\u00b5", f"{_FIRST}μ{_SECOND}"):
        names |= {f"{micro}{unit}": f"u{unit}" for unit in ("mol", "M", "l", "L", "m", "s", "V", "A")}
        names |= {f"{micro}g": "mcg"}
    return names | {"\u00b5": "-mu-", "\u2019": "'"} | dict.fromkeys(_HYPHENS, "-")


#: Each pattern begins with what is rare, and looks back from there: it is tried at every character of every text.
_CHARACTERS: Final[dict[str, Any]] = {
    "medkg_lone_greek": {
        "type": "pattern_replace",
        "pattern": f"({_GREEK})(?<!{_GREEK}{{2}})({_GREEK}?)(?!{_GREEK})",
        "replacement": f"{_FIRST}$1{_SECOND}$2",
    },
    "medkg_signs": {"type": "mapping", "mappings": [f"{sign} => {name}" for sign, name in _signs().items()]},
    # CDK4/6 is CDK4/CDK6, and who looks for either finds it.
    "medkg_series": {
        "type": "pattern_replace",
        "pattern": r"/(?<=(?<![\p{L}\p{N}])(\p{L}[\p{L}-]{1,11})\d{1,2}/)(\d{1,2})(?![\p{L}\p{N}/])",
        "replacement": "/$1$2",
    },
    # p.V600E is V600E, in a protein.
    "medkg_variants": {
        "type": "pattern_replace",
        "pattern": r"\.(?<=(?<![\p{L}\p{N}])[cgmnpr]\.)(?=[\p{Lu}\d(])",
        "replacement": " ",
    },
    # 20mg is 20 mg.
    "medkg_doses": {
        "type": "pattern_replace",
        "pattern": rf"(?<=\d)(?<=(?<![\p{{L}}\p{{N}}])\d[\d.,]{{0,8}})(?i:({_UNITS}))(?![\p{{L}}\p{{N}}])",
        "replacement": " $1",
    },
}
_TOKENS: Final[dict[str, Any]] = {
    "medkg_possessive": {"type": "stemmer", "language": "possessive_english"},
    "medkg_stop": {"type": "stop", "stopwords": "_english_"},
    # One name for each salt and unit. A name without its salt is found by its other words.
    "medkg_salts": {
        "type": "synonym",
        "lenient": False,
        "synonyms": [
            "hcl => hydrochloride",
            "hbr => hydrobromide",
            "ug, microgram, micrograms => mcg",
            "milligram, milligrams => mg",
            "milliliter, milliliters, millilitre, millilitres => ml",
        ],
    },
    "medkg_stem": {"type": "kstem"},
    "medkg_trim": {"type": "pattern_replace", "pattern": r"^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$", "replacement": ""},
    # A word, also a capitalised one, is none, nor is a number, unless it may be an identifier (PubMed's, EudraCT's).
    "medkg_no_name": {
        "type": "pattern_replace",
        "pattern": r"^(?:\p{L}?[\p{Ll}\p{M}]*(?:'s)?|(?!\d{6,}$|\d{4}-\d{6}-\d\d$)[^\p{L}]+)$",
        "replacement": "",
    },
    "medkg_length": {"type": "length", "min": 2, "max": 64},
    "medkg_joined": {
        "type": "word_delimiter_graph",
        "generate_word_parts": False,
        "generate_number_parts": False,
        "catenate_all": True,
        "split_on_case_change": False,
        "split_on_numerics": False,
        "stem_english_possessive": True,
    },
}
_SIGNS: Final = ["medkg_lone_greek", "medkg_signs", "medkg_series", "medkg_variants", "medkg_doses"]

#: An index's settings that its mapping needs.
SETTINGS: Final[dict[str, Any]] = {
    "similarity": {
        NAME_SIMILARITY: {"type": "BM25", "k1": 0.2, "b": 0.0},
    },
    "analysis": {
        "char_filter": _CHARACTERS,
        "tokenizer": {"medkg_name": {"type": "pattern", "pattern": r"[\s/,;:|=<>()\[\]{}\"]+"}},
        "filter": _TOKENS,
        "normalizer": {
            KNOWN_AS: {"type": "custom", "char_filter": _SIGNS[:2], "filter": ["lowercase", "asciifolding"]}
        },
        "analyzer": {
            PROSE: {
                "type": "custom",
                "char_filter": _SIGNS,
                "tokenizer": "standard",
                "filter": ["lowercase", "medkg_possessive", "asciifolding", "medkg_stop", "medkg_salts", "medkg_stem"],
            },
            NAMES: {
                "type": "custom",
                "char_filter": _SIGNS,
                "tokenizer": "medkg_name",
                "filter": ["medkg_trim", "medkg_no_name", "medkg_length", "medkg_joined", "lowercase", "asciifolding"],
            },
            NAMES_QUERY: {
                "type": "custom",
                "char_filter": _SIGNS,
                "tokenizer": "medkg_name",
                "filter": ["medkg_trim", "medkg_length", "medkg_joined", "lowercase", "asciifolding", "medkg_stop"],
            },
        },
    },
}
