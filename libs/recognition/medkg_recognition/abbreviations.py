"""Short forms that a text explains: "chronic obstructive pulmonary disease (COPD)", by Schwartz and Hearst's rules."""

from abbreviations import schwartz_hearst

#: What is looked through; a text with more explains its short forms before.
_MOST: int = 200_000


def short_forms(text: str) -> dict[str, str]:
    """The long forms that the text gives of its short forms."""
    pairs = schwartz_hearst.extract_abbreviation_definition_pairs(doc_text=text[:_MOST])
    return {short: long for short, long in pairs.items() if short and long}
