"""Sources as the reader is shown them."""

from dataclasses import replace
from datetime import date
from typing import get_args
from uuid import UUID

import pytest

from backend.chat.sources import as_json, deep_link, hide_removed, number_sources, offered, shorten
from backend.knowledge.models import Chunk, Creator, Document, Kind
from backend.retrieval.models import Passage, Retrieved

DOCUMENT = Document(
    UUID(int=1), "ana", "A talk", "video", "talk.vtt", url="https://videos.example.org/watch?v=a", duration_s=60.0
)
CHUNK = Chunk(UUID(int=2), UUID(int=1), "ana", 0, "What was said.", 0, 14, start_s=12.9, end_s=20.0)


def test_a_timed_source_opens_the_moment_in_whole_seconds() -> None:
    assert deep_link(DOCUMENT, CHUNK) == "https://videos.example.org/watch?v=a&t=12"


@pytest.mark.parametrize(("start_s", "t"), [(75.0, "60"), (-3.0, "0"), (0.0, "0")])
def test_the_moment_is_never_outside_the_recording(start_s: float, t: str) -> None:
    link = deep_link(DOCUMENT, replace(CHUNK, start_s=start_s))
    assert link == f"https://videos.example.org/watch?v=a&t={t}"


def test_a_moment_that_the_address_names_already_is_replaced() -> None:
    document = replace(DOCUMENT, url="https://videos.example.org/watch?t=99&v=a#top")
    assert deep_link(document, CHUNK) == "https://videos.example.org/watch?v=a&t=12#top"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://x.example/index.php?/videos/12-title/", "https://x.example/index.php?/videos/12-title/&t=12"),
        ("https://x.example/p?title=caf%E9&a=b+c", "https://x.example/p?title=caf%E9&a=b+c&t=12"),
        ("https://x.example/a?b", "https://x.example/a?b&t=12"),
        ("https://x.example/talk#t=10", "https://x.example/talk?t=12"),
    ],
)
def test_the_rest_of_an_address_stays_as_it_is_written_and_an_older_moment_goes(url: str, link: str) -> None:
    assert deep_link(replace(DOCUMENT, url=url), CHUNK) == link


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://x.example/ep/17.mp3", "https://x.example/ep/17.mp3?t=12#t=12"),
        ("https://x.example/talk.MP4?key=a%2Fb&t=9#t=10", "https://x.example/talk.MP4?key=a%2Fb&t=12#t=12"),
        ("https://x.example/mp3", "https://x.example/mp3?t=12"),
    ],
)
def test_a_recording_that_is_addressed_itself_opens_at_the_moment_in_a_browser(url: str, link: str) -> None:
    assert deep_link(replace(DOCUMENT, url=url), CHUNK) == link


def test_an_article_is_opened_as_it_is_and_a_pdf_at_its_page() -> None:
    article = replace(CHUNK, start_s=None, end_s=None)
    assert deep_link(DOCUMENT, article) == DOCUMENT.url
    assert deep_link(DOCUMENT, replace(article, page=7)) == f"{DOCUMENT.url}#page=7"


@pytest.mark.parametrize("url", [None, "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https:", "/a"])
def test_only_web_addresses_are_links(url: str | None) -> None:
    assert deep_link(replace(DOCUMENT, url=url), CHUNK) is None


def test_a_snippet_is_one_line_cut_at_a_word() -> None:
    assert shorten("one  two\nthree", 100) == "one two three"
    assert shorten("one two, three", 11) == "one two…"
    assert shorten("x" * 50, 10) == "x" * 9 + "…"
    assert len(shorten("word " * 200, 320)) <= 320


def test_sources_are_numbered_in_order_and_made_of_json_alone() -> None:
    document = replace(DOCUMENT, published_at=date(2026, 1, 2))
    passage = Passage(CHUNK, document, Creator("ana", "Ana"), 0.03, "creator")
    sources = as_json(number_sources(Retrieved("q", "creator", (passage, passage), True)))
    assert [source["index"] for source in sources] == [1, 2]
    assert sources[0]["published_at"] == "2026-01-02"
    assert sources[0]["creator"] == {"slug": "ana", "name": "Ana"}
    assert sources[0]["scope"] == "creator"
    assert sources[0]["document_id"] == str(UUID(int=1))


def test_a_tier_reads_no_markers_in_the_sources_and_knows_which_of_them_are_spoken() -> None:
    chunk = replace(CHUNK, text="A trap is thick.[3] It is deep.")
    passages = [
        Passage(chunk, replace(DOCUMENT, kind=kind), Creator("ana", "Ana"), 0.03, "creator") for kind in get_args(Kind)
    ]
    read = offered(Retrieved("q", "creator", tuple(passages), True))
    assert [(source.index, source.text) for source in read] == [
        (n, "A trap is thick. It is deep.") for n in range(1, 5)
    ]
    assert [source.spoken for source in read] == [True, True, False, False]


def test_a_conversation_that_begins_within_a_turn_is_shown_and_read_with_the_name_of_who_goes_on() -> None:
    chunk = replace(CHUNK, text="It hums.\n\nLeo: Why?", begun_by="Ana")
    retrieved = Retrieved("q", "creator", (Passage(chunk, DOCUMENT, Creator("ana", "Ana"), 0.03, "creator"),), True)
    assert [source.snippet for source in number_sources(retrieved)] == ["Ana: It hums. Leo: Why?"]
    assert [source.text for source in offered(retrieved)] == ["Ana: It hums.\n\nLeo: Why?"]


def test_a_source_that_was_deleted_since_keeps_its_number_and_loses_its_text() -> None:
    passage = Passage(CHUNK, DOCUMENT, Creator("ana", "Ana"), 0.03, "creator")
    snapshot = as_json(number_sources(Retrieved("q", "creator", (passage,), True)))
    assert hide_removed(snapshot, {str(DOCUMENT.id)}) == snapshot
    (removed,) = hide_removed(snapshot, set())
    assert removed["index"] == 1
    assert removed["removed"] is True
    assert (removed["title"], removed["snippet"], removed["url"]) == ("Removed", "", None)
