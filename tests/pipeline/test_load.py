"""A file and what is said beside it become one document."""

import html
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from backend.errors import ContentError
from pipeline.load import NOBODYS, load, read_fingerprint, title_from
from pipeline.source import Request, Source
from pipeline.sources.parsed import NothingToRead

CAPTIONS = "WEBVTT\n\n00:01.000 --> 00:03.000\nListen first.\n"


def source(path: Path, content: str, sidecar: str | None = None, topics: tuple[str, ...] = ()) -> Source:
    path.write_text(content)
    beside = path.with_suffix(".yaml") if sidecar is not None else None
    if beside is not None and sidecar is not None:
        beside.write_text(sidecar)
    return Source(path, path.name, str(path), Request(str(path), topics=topics), "ana", sidecar=beside)


def test_a_sidecar_describes_a_recording(tmp_path: Path) -> None:
    sidecar = (
        "title: Room first\nurl: https://v.example/room\nkind: audio\npublished_at: 2025-02-11\n"
        "duration_s: 437\ntopics: [rooms]\nnote: mine\n"
    )
    document = load(source(tmp_path / "room-first.vtt", CAPTIONS, sidecar)).document
    assert (document.title, document.url, document.kind) == ("Room first", "https://v.example/room", "audio")
    assert (document.published_at, document.duration_s, document.topics) == (date(2025, 2, 11), 437.0, ("rooms",))


def test_front_matter_wins_over_a_sidecar_and_a_sidecar_over_the_heading(tmp_path: Path) -> None:
    told = source(
        tmp_path / "a.md", "---\ntitle: Front\n---\n# Heading\n\ntext\n", "title: Beside\nurl: https://a.example\n"
    )
    assert (load(told).document.title, load(told).document.url) == ("Front", "https://a.example")
    untold = source(tmp_path / "b.md", "# Heading\n\ntext\n", "title: Beside\n")
    assert load(untold).document.title == "Beside"


def test_topics_of_the_command_line_come_beside_the_documents_own(tmp_path: Path) -> None:
    loaded = load(source(tmp_path / "a.md", "---\ntags: [rooms]\n---\ntext\n", topics=("live", "rooms")))
    assert loaded.document.topics == ("rooms", "live")


def test_captions_are_known_by_their_content_whatever_they_are_called(tmp_path: Path) -> None:
    assert load(source(tmp_path / "talk.txt", CAPTIONS)).document.kind == "video"
    assert load(source(tmp_path / "talk.srt", CAPTIONS)).sections[0].is_turn
    assert load(source(tmp_path / "cue.txt", "1\n00:00:01,000 --> 00:00:02,000\nListen.\n")).sections[0].is_turn


def test_an_article_is_its_authors_and_does_not_repeat_its_title(tmp_path: Path) -> None:
    loaded = load(source(tmp_path / "a.txt", "On rooms\n\nListen.\n", "by: Ana Velloret\n"))
    assert loaded.document.title == "On rooms"
    assert [(section.headings, section.speaker) for section in loaded.sections] == [((), "Ana Velloret")]


def test_a_text_without_a_word_is_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(NothingToRead):
        load(source(tmp_path / "a.md", "---\ntemplate: true\n---\n\n{{range .}}, {{end}}\n"))


def test_a_broken_sidecar_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"talk\.yaml is not valid YAML"):
        load(source(tmp_path / "talk.vtt", CAPTIONS, "title: a: b"))


def test_the_fingerprint_follows_everything_that_decides_the_outcome(tmp_path: Path) -> None:
    plain = source(tmp_path / "a.vtt", CAPTIONS)
    prints = {
        read_fingerprint(plain),
        read_fingerprint(source(tmp_path / "a.vtt", CAPTIONS, topics=("live",))),
        read_fingerprint(source(tmp_path / "b.vtt", CAPTIONS, "title: One\n")),
        read_fingerprint(source(tmp_path / "b.vtt", CAPTIONS, "title: Two\n")),
        read_fingerprint(source(tmp_path / "a.vtt", CAPTIONS + "\n")),
    }
    assert len(prints) == 5
    assert load(plain).fingerprint == read_fingerprint(plain)


def test_identity_is_the_creator_and_the_path_not_the_content(tmp_path: Path) -> None:
    first = load(source(tmp_path / "a.vtt", CAPTIONS))
    second = load(source(tmp_path / "a.vtt", CAPTIONS.replace("Listen", "Look")))
    assert first.document.id == second.document.id
    other = replace(source(tmp_path / "a.vtt", CAPTIONS), creator="dex")
    assert load(other).document.id != first.document.id


def test_a_document_says_itself_whose_it_is_unless_the_command_line_does(tmp_path: Path) -> None:
    named = source(tmp_path / "a.md", "---\ncreator: Dex Morrowby\n---\nListen.\n")
    loaded = load(named)
    assert (loaded.document.creator, loaded.creator_name) == ("dex-morrowby", "Dex Morrowby")
    assert loaded.document.source_uri == "ana/a.md"
    given = replace(named, request=Request(named.origin, creator="ana"))
    assert (load(given).document.creator, load(given).document.source_uri) == ("ana", "a.md")


def test_a_document_that_is_nobodys_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="--creator SLUG") as caught:
        load(replace(source(tmp_path / "a.md", "Listen.\n"), creator=None))
    assert caught.value.message == NOBODYS


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("A-Primer-on-Open-License.srt", "A Primer on Open License"),
        ("Introduction-to-Open-Life-Sciences_otter.ai.srt", "Introduction to Open Life Sciences"),
        ("2024-05-01-room_first.en.vtt", "Room first"),
        ("v1.2 notes.md", "V1.2 notes"),
        ("--.md", "--.md"),
    ],
)
def test_a_title_can_be_read_from_a_file_name(name: str, title: str) -> None:
    assert title_from(Path(name)) == title


ENTITIES = "Hear the r&shy;oom be&#8203;fore&#27;&#0;&#xd800; it is loud."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.vtt", f"WEBVTT\n\n00:01.000 --> 00:09.000\n<v A&shy;nn Lee>{ENTITIES}\n"),
        ("a.srt", f"1\n00:00:01,000 --> 00:00:09,000\n{ENTITIES}\n"),
        ("a.md", f"## A he&#8203;ading\n\n{ENTITIES}\n"),
        ("a.html", f"<main><h2>A he&#8203;ading</h2><p>{ENTITIES}</p></main>"),
        ("a.json", json.dumps([{"start": 1, "end": 9, "speaker": "A\u00adnn Lee", "text": html.unescape(ENTITIES)}])),
    ],
)
def test_no_kind_of_content_brings_characters_that_nobody_sees(tmp_path: Path, name: str, content: str) -> None:
    loaded = load(source(tmp_path / name, content))
    texts = [block.text for section in loaded.sections for block in section.blocks]
    labels = [label for section in loaded.sections for label in (*section.headings, section.speaker or "")]
    assert [text.replace("\ufffd", "") for text in texts] == ["Hear the room before it is loud."]
    assert all(label in ("", "Ann Lee", "A heading") for label in labels)
