"""What yt-dlp writes beside a recording becomes what is known of it, and its chapters headings."""

import json
from datetime import date

import pytest

from backend.errors import ContentError
from pipeline.sources.chapters import under_chapters
from pipeline.sources.parsed import Block, Chapter, Metadata, Section
from pipeline.sources.ytdlp import MOST_TOPICS, read_info

INFO = {
    "id": "abc",
    "title": "  Small rooms ",
    "webpage_url": "https://video.example/watch?v=abc",
    "uploader": "ana",
    "channel": "Ana Leith",
    "upload_date": "20240229",
    "timestamp": 1_700_000_000,
    "duration": 754,
    "tags": ["mixing", "rooms", "mixing"],
    "categories": ["Music"],
    "chapters": [
        {"start_time": 60.5, "end_time": 754.0, "title": "Gain"},
        {"start_time": 0.0, "end_time": 60.5, "title": "<Untitled Chapter 1>"},
    ],
    "formats": [{"vcodec": "none", "acodec": "opus"}, {"vcodec": "vp9"}],
}


def read(**changes: object) -> tuple[Metadata, list[str]]:
    remarks: list[str] = []
    return read_info(json.dumps({**INFO, **changes}), remarks), remarks


def test_everything_that_is_known_is_taken_over() -> None:
    metadata, remarks = read()
    assert metadata == Metadata(
        title="Small rooms",
        url="https://video.example/watch?v=abc",
        kind="video",
        published_at=date(2024, 2, 29),
        duration_s=754.0,
        topics=("mixing", "rooms"),
        creator="Ana Leith",
        chapters=(Chapter(60.5, "Gain"),),
    )
    assert remarks == []


def test_what_is_missing_is_not_made_up() -> None:
    assert read_info("{}", remarks := []) == Metadata(kind="video")
    assert remarks == []


def test_the_second_choice_holds_where_the_first_is_missing() -> None:
    metadata, _ = read(channel=None, upload_date=None, tags=[])
    assert (metadata.creator, metadata.published_at, metadata.topics) == ("ana", date(2023, 11, 14), ("Music",))


def test_a_recording_without_a_picture_is_audio() -> None:
    assert read(formats=[{"vcodec": "none"}])[0].kind == "audio"
    assert read(formats=None, vcodec="none")[0].kind == "audio"


def test_only_the_first_tags_are_topics() -> None:
    assert len(read(tags=[f"tag {number}" for number in range(99)])[0].topics) == MOST_TOPICS


def test_values_that_make_no_sense_are_left_out_with_a_remark() -> None:
    metadata, remarks = read(
        webpage_url="javascript:alert(1)",
        upload_date="20240230",
        duration=-5,
        chapters=[{"start_time": "soon", "title": "Gain"}, {"start_time": 3}, 4, {"start_time": 9, "title": "Level"}],
        title=["Small", "rooms"],
    )
    assert (metadata.url, metadata.published_at, metadata.duration_s, metadata.title) == (None, None, None, None)
    assert metadata.chapters == (Chapter(9.0, "Level"),)
    assert len(remarks) == 4
    assert "3 of its chapters had no title or no time and were left out" in remarks


@pytest.mark.parametrize("timestamp", [1e18, float("nan"), "yesterday", -1e18])
def test_a_moment_that_is_no_day_is_left_out(timestamp: object) -> None:
    metadata, remarks = read(upload_date=None, timestamp=timestamp)
    assert metadata.published_at is None
    assert len(remarks) == 1


@pytest.mark.parametrize("text", ["", "{", "[1]", '"x"', "[" * 200_000])
def test_an_info_that_is_no_object_is_refused_by_name(text: str) -> None:
    with pytest.raises(ContentError, match=r"Its \.info\.json"):
        read_info(text, [])


def blocks(*starts: float | None) -> tuple[Block, ...]:
    return tuple(Block(f"at {start}", start_s=start) for start in starts)


def test_a_turn_is_divided_where_a_chapter_begins_and_keeps_its_speaker() -> None:
    turn = Section(blocks(0.0, 4.0, 10.0, 12.0, None, 30.0), speaker="Ana", is_turn=True)
    divided = under_chapters([turn], [Chapter(20.0, "Level"), Chapter(5.0, "Gain")])
    assert [(section.headings, [block.start_s for block in section.blocks]) for section in divided] == [
        ((), [0.0, 4.0]),
        (("Gain",), [10.0, 12.0, None]),
        (("Level",), [30.0]),
    ]
    assert all(section.speaker == "Ana" and section.is_turn for section in divided)


def test_chapters_stand_before_the_headings_that_were_there() -> None:
    section = Section(blocks(1.0), headings=("Questions",))
    assert under_chapters([section], [Chapter(0.0, "Gain")])[0].headings == ("Gain", "Questions")


def test_what_has_no_time_stays_as_it_is() -> None:
    sections = (Section(blocks(None, None), headings=("Notes",)),)
    assert under_chapters(sections, [Chapter(0.0, "Gain")]) == sections
    assert under_chapters(sections, []) == sections
