"""What front matter and sidecars say, as `Metadata`. Values that make no sense are left out with a remark."""

import re
from collections.abc import Hashable, Mapping
from contextlib import suppress
from datetime import date
from typing import cast, get_args
from urllib.parse import urlsplit

import yaml

from backend.errors import ContentError
from backend.knowledge.models import Kind
from pipeline.clean import clean_characters, clean_values, flow
from pipeline.sources.parsed import Metadata

_DATE = re.compile(r"\s*(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)")  # what follows is the time of day
_DATE_KEYS = ("published_at", "date")
_TOPIC_KEYS = ("topics", "tags")
_AUTHOR_KEYS = ("by", "author", "authors", "speaker", "speakers")
_URL_KEYS = ("url", "podcast", "media")  # a page about it is better than the bare recording


_KEY_LENGTH = 80  # characters of a key that are told
_TAG = "tag:yaml.org,2002:"


class _Refused(yaml.YAMLError):
    """YAML that may be valid, and that we do not read. Its text goes on after the file's name."""

    def __init__(self, what: str, found: yaml.Event | yaml.Node) -> None:
        line = f" (line {found.start_mark.line + 1})" if found.start_mark else ""
        super().__init__(f"{what}{line}.")


class _Loader(yaml.SafeLoader):
    """Leaves every value as the text that was written: a title may be `3.10` or `yes`, to YAML 9:30 is 570, and a
    number of a million digits takes a day to compute. Only what is empty is None.

    Nothing stands for something elsewhere, so that a value is never larger than its text: aliases of aliases, and
    merge keys (`<<`) of them, grow tenfold a line. Nothing claims another type than it looks like: what a tag promises
    is only found out when the value is computed.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012  PyYAML wants it so
        first: [(tag, pattern) for tag, pattern in resolvers if tag == f"{_TAG}null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _Refused("has a `*` that stands for something else: put it in quotes, or write it out", event)
        if getattr(event, "tag", None) not in (None, f"{_TAG}str"):
            raise _Refused("has a tag, which begins with `!`: put it in quotes, or write the value without it", event)
        return super().compose_node(parent, index)


class _StrictLoader(_Loader):
    """Also refuses a name that stands twice in one mapping, where the first value would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise _Refused(f"has `{flow(key.value)[:_KEY_LENGTH]}` twice in one item", key)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(text: str, name: str) -> Mapping[str, object]:
    """The mapping that `text` holds, empty for an empty text: clean texts, and lists and mappings of them.

    `name` is how messages call it.

    Raises `ContentError` with the line that is wrong.
    """
    values = parse_yaml(text, name)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ContentError(f"{name} is not a mapping of names to values.")
    return {str(key).lower(): value for key, value in values.items()}


def parse_yaml(text: str, name: str, *, strict: bool = False) -> object:
    """Whatever `text` holds, None for an empty text.

    Raises `ContentError` with the line that is wrong; if `strict`, also for a name that stands twice in a mapping.
    """
    try:
        return clean_values(yaml.load(text, _StrictLoader if strict else _Loader))
    except _Refused as error:
        raise ContentError(f"{name} {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise ContentError(f"{name} is not valid YAML{place}.") from error
    except (ValueError, OverflowError) as error:  # an escape beyond Unicode, a version of thousands of digits
        raise ContentError(f"{name} is not valid YAML.") from error
    except RecursionError as error:
        raise ContentError(f"{name} is nested too deeply to be read.") from error


def read_metadata(values: Mapping[str, object], remarks: list[str]) -> Metadata:
    """The keys that are known, others are the curator's own; appends to `remarks` what could not be understood."""
    return Metadata(
        title=_text(values.get("title")),
        url=_url(values, remarks),
        kind=_kind(values.get("kind"), remarks),
        published_at=_date(_first(values, _DATE_KEYS), remarks),
        duration_s=_seconds(values.get("duration_s"), remarks),
        topics=_texts(_first(values, _TOPIC_KEYS)),
        authors=_texts(_first(values, _AUTHOR_KEYS)),
        creator=_text(values.get("creator")),
    )


def web_address(text: str) -> str | None:
    """The text, if it is an address on the web that anybody can open; one with a name or password is for somebody."""
    with suppress(ValueError):
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc:
            return text
    return None


def _first(values: Mapping[str, object], keys: tuple[str, ...]) -> object:
    return next((values[key] for key in keys if values.get(key) is not None), None)


def _text(value: object) -> str | None:
    return flow(clean_characters(str(value))) or None if isinstance(value, str | int | float) else None


def _texts(value: object) -> tuple[str, ...]:
    """A list of texts, or a text whose commas separate; each once, in order."""
    items = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(dict.fromkeys(text for item in items if (text := _text(item))))


def _url(values: Mapping[str, object], remarks: list[str]) -> str | None:
    """The first web address under its keys: `podcast` and `media` are other people's words, and may be a name."""
    for key in _URL_KEYS:
        text = _text(values.get(key))
        if text and web_address(text):
            return text
        if text and key == "url":
            remarks.append("its `url` is no web address that anybody can open and was left out")
    return None


def _kind(value: object, remarks: list[str]) -> Kind | None:
    if value is None or value in get_args(Kind):
        return cast(Kind | None, value)
    remarks.append(f"its `kind` is none of {', '.join(get_args(Kind))} and was left out")
    return None


def _date(value: object, remarks: list[str]) -> date | None:
    if value is None:
        return None
    if match := _DATE.match(_text(value) or ""):
        with suppress(ValueError):  # the 31st of June
            return date(int(match[1]), int(match[2]), int(match[3]))
    remarks.append("its date is not written as YYYY-MM-DD and was left out")
    return None


def _seconds(value: object, remarks: list[str]) -> float | None:
    if value is None:
        return None
    with suppress(ValueError):
        if 0 < (seconds := float(_text(value) or "")) < 1e300:
            return seconds
    remarks.append("its `duration_s` is no number of seconds and was left out")
    return None
