"""What stands before the text of an article: names and values, as site generators have them."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date

from frontmatter.default_handlers import YAMLHandler

from backend.errors import ContentError
from pipeline.clean import clean_values
from pipeline.sources.metadata import read_yaml

_BOUNDARY = re.compile(r"^(?:-{3,}|(?!\A)\.{3})\s*$", re.MULTILINE)
_RULE = re.compile(r"-+[ \t]*\n[ \t]*\n")
# A line that front matter may have: a name that programs read, or one of those that are read here. "Note: listen" and
# all else that begins with a capital are what people write.
_NAMED = re.compile(
    r"^[ {]*([\"']?)(?:[a-z][\w.-]*|(?i:title|url|kind|date|published_at|duration_s|topics|tags|by|authors?|speakers?"
    r"|podcast|media|creator))\1\s*:(?:\s|$)",
    re.MULTILINE,
)
_STRAY_VALUE = re.compile(r"\s*(url|podcast|media):[ \t]*(https?://\S+)[ \t]*(?:\n|$)")
_TOML = re.compile(r"\+{3}[ \t]*\n(.*?)^\+{3}[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_YES = ("true", "yes", "on", "1")
_NO = ("false", "no", "off", "0")


def split_front_matter(text: str) -> tuple[dict[str, object], str]:
    """What stands between two lines of dashes (YAML) or of plus signs (TOML) at the beginning, and the rest; prose
    between two rules is not that. Raises `ContentError` where it is not valid."""
    if found := _TOML.match(text):
        return _read_toml(found[1]), text[found.end() :]
    handler = YAMLHandler(_BOUNDARY)
    if not handler.detect(text) or _RULE.match(text):
        return {}, text
    try:
        raw, body = handler.split(text)
    except ValueError:  # a first line of dashes that no second one answers
        return {}, text
    if raw.strip() and not _NAMED.search(raw):
        return {}, text
    values = dict(read_yaml(raw, "Its front matter"))
    while stray := _STRAY_VALUE.match(body):  # some write an address or two below the dashes
        values.setdefault(stray[1], stray[2])
        body = body[stray.end() :]
    return values, body


def is_draft(values: Mapping[str, object]) -> bool:
    """Whether its author says that it is not to be published: `draft: true` or `published: false`."""
    return str(values.get("draft")).lower() in _YES or str(values.get("published")).lower() in _NO


def _read_toml(text: str) -> dict[str, object]:
    """The values as the texts that YAML would have them in."""
    try:
        values = {name.lower(): clean_values(_as_text(value)) for name, value in tomllib.loads(text).items()}
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, and lists in lists in lists
        raise ContentError("Its front matter is not valid TOML.") from error
    return values


def _as_text(value: object) -> object:
    match value:
        case dict():
            return {name: _as_text(inner) for name, inner in value.items()}
        case list():
            return [_as_text(inner) for inner in value]
        case date():
            return value.isoformat()
    return str(value)
