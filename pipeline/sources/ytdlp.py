"""What yt-dlp writes beside a recording (`.info.json`): its title, address, day, length, chapters and whose it is."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

from backend.errors import ContentError
from backend.knowledge.models import Kind
from pipeline.clean import clean_characters, flow
from pipeline.sources.json_text import number, read_json
from pipeline.sources.metadata import web_address
from pipeline.sources.parsed import Chapter, Metadata
from pipeline.sources.utterances import is_time

MOST_TOPICS = 10  # the first tags say what it is about; the hundredth is there to be found
_CREATOR_KEYS = ("channel", "uploader", "artist", "creator")
_UNNAMED = re.compile(r"<Untitled Chapter \d+>")  # yt-dlp's own words for a chapter without a title
_NAME = "Its .info.json"


def read_info(text: str, remarks: list[str]) -> Metadata:
    """What yt-dlp knows of a recording; appends to `remarks` what could not be understood and was left out.

    Topics are the first `MOST_TOPICS` tags, or the site's categories where there are none. Raises `ContentError` where
    the text is no JSON object.
    """
    values = read_json(text, _NAME)
    if not isinstance(values, dict):
        raise ContentError(f"{_NAME} is not an object of names and values.")
    return Metadata(
        title=_text(values.get("title")),
        url=_url(values, remarks),
        kind=_kind(values),
        published_at=_day(values, remarks),
        duration_s=_duration(values.get("duration"), remarks),
        topics=_topics(values),
        creator=next((name for key in _CREATOR_KEYS if (name := _text(values.get(key)))), None),
        chapters=_chapters(values.get("chapters"), remarks),
    )


def _text(value: object) -> str | None:
    return flow(clean_characters(value)) or None if isinstance(value, str) else None


def _url(values: Mapping[str, object], remarks: list[str]) -> str | None:
    url = _text(values.get("webpage_url")) or _text(values.get("original_url"))
    if url and not web_address(url):
        remarks.append("its `webpage_url` is no web address that anybody can open and was left out")
        return None
    return url


def _kind(values: Mapping[str, object]) -> Kind:
    """Audio where the site offers no format with a picture, whichever of them was saved."""
    formats = values.get("formats")
    offered = [offer for offer in formats if isinstance(offer, dict)] if isinstance(formats, list) else []
    codecs = [offer.get("vcodec") for offer in offered] or [values.get("vcodec")]
    return "audio" if all(codec == "none" for codec in codecs) else "video"


def _day(values: Mapping[str, object], remarks: list[str]) -> date | None:
    """The day of publication, by the site's clock or else by UTC."""
    written, timestamp = values.get("upload_date"), values.get("timestamp")
    if written is None and timestamp is None:
        return None
    try:
        if isinstance(written, str):
            return datetime.strptime(written, "%Y%m%d").date()
        return datetime.fromtimestamp(number(timestamp), UTC).date()
    except (ValueError, OverflowError, OSError):
        remarks.append("its `upload_date` or `timestamp` is no day and was left out")
        return None


def _duration(value: object, remarks: list[str]) -> float | None:
    if value is None:
        return None
    if is_time(value) and number(value) > 0:
        return number(value)
    remarks.append("its `duration` is no number of seconds and was left out")
    return None


def _topics(values: Mapping[str, object]) -> tuple[str, ...]:
    lists = (value for key in ("tags", "categories") if isinstance(value := values.get(key), list) and value)
    texts = (text for item in next(lists, ()) if (text := _text(item)))
    return tuple(dict.fromkeys(texts))[:MOST_TOPICS]


def _chapters(value: object, remarks: list[str]) -> tuple[Chapter, ...]:
    if value is None:
        return ()
    given = value if isinstance(value, list) else [value]
    chapters = [chapter for item in given if (chapter := _chapter(item))]
    if (lost := len(given) - len(chapters)) > 0:
        remarks.append(f"{lost} of its chapters had no title or no time and {'was' if lost == 1 else 'were'} left out")
    named = (chapter for chapter in chapters if not _UNNAMED.fullmatch(chapter.title))
    return tuple(sorted(named, key=lambda chapter: chapter.start_s))


def _chapter(item: object) -> Chapter | None:
    if not isinstance(item, dict) or not is_time(item.get("start_time")):
        return None
    title = _text(item.get("title"))
    return Chapter(number(item["start_time"]), title) if title else None
