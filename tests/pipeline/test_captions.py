"""Captions become turns of running text with the right speakers and moments."""

import json
from collections.abc import Callable

import pytest

from backend.errors import ContentError
from pipeline.sources import srt, transcripts, webvtt
from pipeline.sources.decode import decode
from pipeline.sources.parsed import NothingToRead, ParsedDocument
from tests.pipeline.said import turns
from tests.pipeline.shared import DATA, needs_data


def test_cues_flow_into_one_text_and_keep_their_times() -> None:
    document = webvtt.parse(
        "WEBVTT\n\n00:01.500 --> 00:03.000\nListen to\nthe room\n\n00:03.000 --> 00:05.000\nfirst.\n"
    )
    assert turns(document) == [(None, "Listen to the room first.")]
    assert [(block.start_s, block.end_s) for block in document.sections[0].blocks] == [(1.5, 3.0), (3.0, 5.0)]


def test_voice_tags_make_turns_also_within_a_cue() -> None:
    document = webvtt.parse(
        "WEBVTT\n\n00:01.000 --> 00:03.000\n<v Ana>Is it loud?\n<v.loud Leo Brask>Very.</v>\n\n"
        "00:03.000 --> 00:04.000\n<v Leo Brask>Too <i>loud</i>.\n"
    )
    assert turns(document) == [("Ana", "Is it loud?"), ("Leo Brask", "Very. Too loud.")]


def test_names_before_a_colon_make_turns_and_do_not_stay_in_the_text() -> None:
    document = srt.parse(
        "1\n00:00:01,000 --> 00:00:02,000\nAna: One thing.\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\nRemember: gain first.\n\n"
        "3\n00:00:03,000 --> 00:00:04,000\nThen level.\nLeonie Brask: And then?\n\n"
        "4\n00:00:04,000 --> 00:00:05,000\nAna: Then rest.\n"
    )
    assert turns(document) == [
        ("Ana", "One thing. Remember: gain first. Then level."),
        ("Leonie Brask", "And then?"),
        ("Ana", "Then rest."),
    ]


@pytest.mark.parametrize(
    "first", ["The truth is simple: microphones do not matter.", "Today: rooms.", "My point is: rooms matter."]
)
def test_a_first_sentence_with_a_colon_names_nobody_and_loses_no_word(first: str) -> None:
    lines = [first, "Rooms do.", "Ana Leith: My point is: they do.", "Ana Leith: So."]
    texts = [f"00:0{at}.000 --> 00:0{at + 1}.000\n{line}\n\n" for at, line in enumerate(lines)]
    assert turns(webvtt.parse(f"WEBVTT\n\n{texts[0]}{texts[1]}")) == [(None, f"{first} Rooms do.")]
    if not first.startswith("Today"):
        assert turns(webvtt.parse(f"WEBVTT\n\n{''.join(texts)}"))[0] == (None, f"{first} Rooms do.")


def test_what_stands_once_before_a_colon_in_the_middle_is_text() -> None:
    lines = ["Rooms ring.", "Fun Fact: so do bottles.", "And glasses do."]
    texts = [f"00:0{at}.000 --> 00:0{at + 1}.000\n{line}\n\n" for at, line in enumerate(lines)]
    assert turns(webvtt.parse(f"WEBVTT\n\n{''.join(texts)}")) == [(None, " ".join(lines))]


def test_a_slogan_that_comes_again_is_nobodys_name() -> None:
    lines = ["Loudness: it's a choice.", "Turn it down.", "Loudness: it’s a choice.", "Turn it up."]
    text = "".join(f"00:0{at}.000 --> 00:0{at + 1}.000\n{line}\n\n" for at, line in enumerate(["Hello.", *lines]))
    assert turns(webvtt.parse(f"WEBVTT\n\n{text}")) == [(None, " ".join(["Hello.", *lines]))]


def test_chevrons_begin_the_turn_of_someone_unnamed() -> None:
    document = srt.parse(
        "1\n00:00:01,000 --> 00:00:02,000\nIs it on?\n\n2\n00:00:02,000 --> 00:00:03,000\n&gt;&gt; It is.\n"
    )
    assert turns(document) == [(None, "Is it on?"), (None, "It is.")]


def test_a_long_silence_ends_a_turn() -> None:
    document = webvtt.parse("WEBVTT\n\n00:01.000 --> 00:02.000\nWait.\n\n03:00.000 --> 03:01.000\nThere.\n")
    assert turns(document) == [(None, "Wait."), (None, "There.")]


def test_sounds_and_positions_and_entities_leave_no_debris() -> None:
    document = srt.parse(
        "1\n00:00:01,000 --> 00:00:02,000\n[Applause]\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\n{\\an8}<b>Q&amp;A</b> time\n\n"
        "3\n00:00:03,000 --> 00:00:04,000\n♪ ♪\n"
    )
    assert turns(document) == [(None, "Q&A time")]


def test_hours_beyond_ninety_nine_points_and_commas_are_read() -> None:
    document = srt.parse("1\n100:00:01.250 --> 100:00:02,000\nStill here.\n")
    block = document.sections[0].blocks[0]
    assert (block.start_s, block.end_s) == (360_001.25, 360_002.0)


def test_cues_out_of_order_are_put_in_order_and_a_backward_one_does_not_run_backwards() -> None:
    document = webvtt.parse("WEBVTT\n\n00:05.000 --> 00:04.000\nsecond\n\n00:01.000 --> 00:02.000\nfirst\n")
    blocks = document.sections[0].blocks
    assert [block.text for block in blocks] == ["first", "second"]
    assert (blocks[1].start_s, blocks[1].end_s) == (5.0, 5.0)


def test_a_file_that_holds_its_captions_twice_is_read_once() -> None:
    first = "1\n00:00:01,000 --> 00:00:03,000\nEnzymes are made\nhere and\n\n"
    second = "2\n00:00:03,000 --> 00:00:05,000\nsold in Gana.\n\n"
    again = f"{first}{second}".replace("\nhere", "\n here").replace("Gana", "Ghana")
    assert turns(srt.parse(f"{first}{second}{again}")) == [(None, "Enzymes are made here and sold in Gana.")]


def test_what_two_people_say_at_once_is_read_of_both() -> None:
    times = "00:00:01.000 --> 00:00:03.000"
    both = f"WEBVTT\n\n{times}\n<v Ana>Yes, always.\n\n{times}\n<v Leo>No, never.\n"
    assert turns(webvtt.parse(both)) == [("Ana", "Yes, always."), ("Leo", "No, never.")]


def test_malformed_cues_are_left_out_and_counted() -> None:
    document = webvtt.parse("WEBVTT\n\n00:01.000 --> 00:02.000\ngood\n\nxx:yy --> 00:03.000\nbad\n")
    assert turns(document) == [(None, "good")]
    assert document.remarks == ("1 malformed cue left out",)


def test_captions_without_their_header_or_numbers_are_read_all_the_same() -> None:
    assert turns(webvtt.parse("00:00:01.000 --> 00:00:02.000\nHello\n")) == [(None, "Hello")]
    assert turns(srt.parse("00:00:01,000 --> 00:00:02,000\nHello\n")) == [(None, "Hello")]


def test_cues_in_a_script_without_spaces_are_joined_without_one() -> None:
    document = webvtt.parse("WEBVTT\n\n00:01.000 --> 00:02.000\n音を\n\n00:02.000 --> 00:03.000\n聞く\n")
    assert turns(document) == [(None, "音を聞く")]


def test_signs_that_are_no_tag_stay() -> None:
    said = "The loop runs while i < n and stops when j > m, I <3 it, and <i>that</i><00:00:01.500> is <c.red>all</c>."
    assert turns(srt.parse(f"1\n00:00:01,000 --> 00:00:02,000\n{said}\n")) == [
        (None, "The loop runs while i < n and stops when j > m, I <3 it, and that is all.")
    ]


def test_a_laugh_leaves_no_word_and_does_not_hide_whose_turn_it_is() -> None:
    document = srt.parse(
        "1\n00:00:01,000 --> 00:00:02,000\nAna Leith: Loud? (laughs)\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\nBo Kern: [laughs]\n\n"
        "3\n00:00:03,000 --> 00:00:04,000\nVery [inaudible] loud.\n"
    )
    assert turns(document) == [("Ana Leith", "Loud?"), ("Bo Kern", "Very … loud.")]


def test_what_machines_call_people_ends_turns_and_names_nobody() -> None:
    document = webvtt.parse(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Speaker 1>Loud?\n\n00:02.000 --> 00:03.000\n<v Speaker 2>Very.\n\n"
        "00:03.000 --> 00:04.000\n<v Speaker 2>Too loud.\n"
    )
    assert turns(document) == [(None, "Loud?"), (None, "Very. Too loud.")]


def test_a_name_of_absurd_length_is_nobodys() -> None:
    document = webvtt.parse(f"WEBVTT\n\n00:01.000 --> 00:02.000\n<v {'Ana ' * 1000}>Loud?\n")
    assert turns(document) == [(None, "Loud?")]


def test_a_time_that_no_recording_has_leaves_its_cue_out_and_is_counted() -> None:
    document = webvtt.parse(
        "WEBVTT\n\n00:01.000 --> 00:02.000\ngood\n\n99999999:00:00.000 --> 99999999:00:01.000\nbad\n"
    )
    assert turns(document) == [(None, "good")]
    assert document.remarks == ("1 malformed cue left out",)


@pytest.mark.parametrize("parse", [webvtt.parse, srt.parse])
def test_a_file_without_a_readable_cue_is_refused_with_a_reason(parse: Callable[[str], ParsedDocument]) -> None:
    with pytest.raises(ContentError, match="no cues"):
        parse("WEBVTT\n\nJust text\n")
    with pytest.raises(ContentError, match="None of its 1 cues"):
        parse("WEBVTT\n\n1\nxx --> yy\ntext\n")


def test_captions_that_say_nothing_are_nothing_to_read() -> None:
    with pytest.raises(NothingToRead):
        webvtt.parse("WEBVTT\n\n00:01.000 --> 00:02.000\n[Music]\n")


@needs_data
def test_real_talks_keep_speaker_and_moment() -> None:
    text, _ = decode((DATA / "creators/ols-talks/A-Primer-on-Open-License.srt").read_bytes())
    document = srt.parse(text)
    assert {section.speaker for section in document.sections} == {"Hao Ye"}
    blocks = [block for section in document.sections for block in section.blocks]
    assert blocks[0].text.startswith("Hello. So hi")
    lawyer = next(block for block in blocks if "a lawyer" in block.text or "am not" in block.text)
    assert 15.0 <= (lawyer.start_s or 0) <= 21.0


@needs_data
@pytest.mark.parametrize("name", ["edge-bom.vtt", "edge-cue_tags.vtt", "edge-comments.vtt", "edge-invalid.vtt"])
def test_real_oddities_give_clean_text(name: str) -> None:
    text, _ = decode((DATA / "formats/vtt" / name).read_bytes())
    words = " ".join(words for _, words in turns(webvtt.parse(text)))
    assert words
    assert not any(debris in words for debris in ("<", ">", "-->", "NOTE", "\ufeff", "Kyle"))


def test_names_and_sounds_are_known_behind_the_space_that_whisper_begins_with() -> None:
    said = [" Ann Lee: hello", " [Door slams]", " Bob Ray: hi\n Ann Lee: so", " >> Who is it?"]
    segments = [{"start": at, "end": at + 1, "text": text} for at, text in enumerate(said)]
    assert turns(transcripts.parse(json.dumps({"segments": segments}))) == [
        ("Ann Lee", "hello"),
        ("Bob Ray", "hi"),
        ("Ann Lee", "so"),
        (None, "Who is it?"),
    ]


def test_words_in_brackets_are_said_where_they_are_more_than_a_sound_takes() -> None:
    aside, sound = "(except for pretzels, where it goes in first)", "[wind howls through the trees]"
    said = ["Salt goes in last", sound, aside, "(door slams)"]
    segments = [{"start": at, "end": at + 1, "text": text} for at, text in enumerate(said)]
    assert turns(transcripts.parse(json.dumps({"segments": segments}))) == [(None, f"Salt goes in last {aside}")]


def test_names_are_known_behind_a_mark_of_direction() -> None:
    said = ["דנה לוי: שלום", "יוסי כהן: שלום לך", "דנה לוי: נתחיל", "יוסי כהן: כן"]
    for mark in ("", "\u200f", "\u202b"):
        segments = [{"start": at, "end": at + 1, "text": f"{mark}{text}"} for at, text in enumerate(said)]
        assert turns(transcripts.parse(json.dumps({"segments": segments}))) == [
            tuple(text.split(": ")) for text in said
        ]


@pytest.mark.parametrize("before", ["", "\n", " \n\u200e"])
def test_a_full_name_that_stands_once_is_known_where_the_words_begin(before: str) -> None:
    said = [f"{before}Hao Ye: Good day.", "And so on."]
    segments = [{"start": at, "end": at + 1, "text": text} for at, text in enumerate(said)]
    assert turns(transcripts.parse(json.dumps({"segments": segments}))) == [("Hao Ye", "Good day. And so on.")]
