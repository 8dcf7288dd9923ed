"""What is to be believed of the properties that programs write into PDF and Word files."""

import re

from pipeline.clean import clean_characters, flow

# What programs write where nobody gave a title.
_NO_TITLE = re.compile(
    r"(?:untitled|unbenannt|sans titre|document|dokument|presentation|powerpoint presentation|slide|layout|print|title)"
    r"\W*\d*|microsoft (?:word|powerpoint|excel)\b.*|.*\.(?:docx?|pptx?|xlsx?|pdf|indd|qxd|tex|dvi|rtf|odt|txt|html?)"
    r"|https?://.*|\W*",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"(?:admin(?:istrator)?|author|owner|user|unknown|anonymous|guest|root|microsoft.*|windows.*|office.*|python-docx)\W*\d*",
    re.IGNORECASE,
)
_MOST_CHARACTERS = 200


def stated_title(text: str) -> str | None:
    """The title, unless it is a file's name, what a program writes by default, or a single word."""
    title = flow(clean_characters(text))
    return title if " " in title and len(title) <= _MOST_CHARACTERS and not _NO_TITLE.fullmatch(title) else None


def stated_authors(text: str) -> tuple[str, ...]:
    """The names that semicolons separate, without those of accounts and programs."""
    names = (flow(name) for name in clean_characters(text).split(";"))
    return tuple(dict.fromkeys(name for name in names if name and not _NOBODY.fullmatch(name)))
