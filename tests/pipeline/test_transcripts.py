"""Transcripts in JSON become the same turns as captions, or are refused with a reason."""

import json

import pytest

from backend.errors import ContentError
from pipeline.sources import transcripts
from pipeline.sources.parsed import NothingToRead, ParsedDocument


def parse(content: object) -> ParsedDocument:
    return transcripts.parse(json.dumps(content))


def said(document: ParsedDocument) -> list[tuple[str | None, str, float | None, float | None]]:
    """Speaker, text, begin and end of each block."""
    return [
        (section.speaker, block.text, block.start_s, block.end_s)
        for section in document.sections
        for block in section.blocks
    ]


def test_whisper_segments_flow_into_one_text() -> None:
    segments = [
        {"id": 0, "start": 0.0, "end": 2.5, "text": " Listen to"},
        {"start": 2.5, "end": 4, "text": " the room."},
    ]
    document = parse({"text": " Listen to the room.", "segments": segments, "language": "en"})
    assert said(document) == [(None, "Listen to", 0.0, 2.5), (None, "the room.", 2.5, 4.0)]
    assert document.sections[0].is_turn
    assert document.default_kind == "audio"


def test_a_list_of_segments_is_read_as_one_with_its_envelope() -> None:
    segments = [{"start": 1, "end": 2, "text": "One."}]
    assert said(parse(segments)) == said(parse({"segments": segments})) == [(None, "One.", 1.0, 2.0)]


def test_whisper_cpp_counts_milliseconds() -> None:
    transcription = [
        {"timestamps": {"from": "00:00:01,500"}, "offsets": {"from": 1500, "to": 3000}, "text": " Gain first."}
    ]
    document = parse({"systeminfo": "AVX = 1", "result": {"language": "en"}, "transcription": transcription})
    assert said(document) == [(None, "Gain first.", 1.5, 3.0)]


@pytest.mark.parametrize("space", ["", " "])
def test_sentences_begin_where_their_first_word_is_said(space: str) -> None:
    words = [("One", 10.0), ("thing.", 10.5), ("Dr.", 12.0), ("Kern", None), ("agrees.", 13.0), ("Yes!", 14.5)]
    document = parse(
        {
            "segments": [
                {
                    "start": 10.0,
                    "end": 15.0,
                    "text": " One thing. Dr. Kern agrees. Yes!",
                    "words": [
                        {"word": space + word} | ({} if start is None else {"start": start, "end": start + 0.3})
                        for word, start in words
                    ],
                }
            ]
        }
    )
    assert said(document) == [
        (None, "One thing.", 10.0, 12.0),
        (None, "Dr. Kern agrees.", 12.0, 14.5),
        (None, "Yes!", 14.5, 15.0),
    ]


def test_words_that_are_nonsense_leave_the_segment_its_own_times() -> None:
    words = [{"word": ""}, {"word": "One", "start": "soon"}, {"word": "else", "start": 2}, 7, {"start": 3}]
    assert said(parse([{"start": 1, "end": 9, "text": "One. Two.", "words": words}])) == [(None, "One. Two.", 1.0, 9.0)]
    with pytest.raises(NothingToRead):
        parse([{"start": 1, "end": 9, "text": " ", "words": [{"word": "", "start": 2}]}])


def test_speakers_with_a_name_are_kept_and_what_machines_call_people_only_ends_turns() -> None:
    def segment(start: float, text: str, speaker: str) -> dict[str, object]:
        return {"start": start, "end": start + 1, "text": text, "speaker": speaker}

    named = parse({"segments": [segment(0, "Loud?", "Ana"), segment(1, "Very.", "Bo"), segment(2, "Too.", "Bo")]})
    assert [(section.speaker, len(section.blocks)) for section in named.sections] == [("Ana", 1), ("Bo", 2)]
    machine = parse(
        [segment(0, "Loud?", "SPEAKER_00"), segment(1, "Very.", "SPEAKER_01"), segment(2, "Too.", "SPEAKER_01")]
    )
    assert [(section.speaker, len(section.blocks)) for section in machine.sections] == [(None, 1), (None, 2)]


def test_the_words_of_automatic_captions_come_once_and_end_where_the_next_line_begins() -> None:
    document = parse(
        {
            "wireMagic": "pb3",
            "pens": [{}],
            "events": [
                {"tStartMs": 0, "dDurationMs": 9000, "id": 1, "wpWinPosId": 1},
                {
                    "tStartMs": 160,
                    "dDurationMs": 4149,
                    "segs": [{"utf8": "listen"}, {"utf8": " to", "tOffsetMs": 320}, {"utf8": " it"}],
                },
                {"tStartMs": 2070, "dDurationMs": 2239, "aAppend": 1, "segs": [{"utf8": "\n"}]},
                {"tStartMs": 2080, "dDurationMs": 3000, "segs": [{"utf8": "[Music]"}]},
                {"tStartMs": 3000, "dDurationMs": 3000, "segs": [{"utf8": "before you"}, {"utf8": " mix"}]},
            ],
        }
    )
    assert said(document) == [(None, "listen to it", 0.16, 2.08), (None, "before you mix", 3.0, 6.0)]
    assert document.default_kind == "video"


def test_the_transcript_that_a_podcasts_feed_names_is_read() -> None:
    segments = [
        {"speaker": "Ana Leith", "startTime": 0.5, "endTime": 1.0, "body": "Is it"},
        {"speaker": "Ana Leith", "startTime": 1.0, "endTime": 1.5, "body": "on?"},
        {"speaker": "Bo Kern", "startTime": 1.5, "endTime": 2.0, "body": "It is."},
    ]
    assert said(parse({"version": "1.0.0", "segments": segments})) == [
        ("Ana Leith", "Is it", 0.5, 1.0),
        ("Ana Leith", "on?", 1.0, 1.5),
        ("Bo Kern", "It is.", 1.5, 2.0),
    ]


@pytest.mark.parametrize("start", ["NaN", "-1", "Infinity", "1e300", '"soon"', "null", "true", "9" * 400])
def test_a_time_that_no_recording_has_leaves_its_segment_out_and_is_counted(start: str) -> None:
    document = transcripts.parse(
        '{"segments": [{"start": ' + start + ', "end": 2, "text": "lost"}, {"start": 3, "end": 4, "text": "kept"}]}'
    )
    assert said(document) == [(None, "kept", 3.0, 4.0)]
    assert document.remarks == ("1 malformed segment left out",)


def test_what_is_no_segment_is_counted_and_an_end_before_the_beginning_does_not_run_backwards() -> None:
    document = parse({"segments": [7, {"text": 3, "start": 0}, {"start": 3, "end": 1, "text": "kept"}]})
    assert said(document) == [(None, "kept", 3.0, 3.0)]
    assert document.remarks == ("2 malformed segments left out",)


@pytest.mark.parametrize("content", [{"name": "x"}, [], {}, [1, 2], "text", None, {"segments": []}, {"events": [1]}])
def test_other_json_is_nothing_to_read(content: object) -> None:
    with pytest.raises(NothingToRead, match="It is JSON, but no transcript"):
        parse(content)


def test_a_transcript_without_a_readable_segment_is_refused() -> None:
    with pytest.raises(ContentError, match="None of its 1 segments could be read"):
        parse({"segments": [{"start": None, "end": 2, "text": "lost"}]})
    with pytest.raises(NothingToRead, match="None of its segments says anything"):
        parse({"segments": [{"start": 0, "end": 2, "text": " [Music] "}]})


def test_json_that_was_cut_off_is_refused_with_its_line() -> None:
    with pytest.raises(ContentError, match=r"not valid JSON \(line 2\): was it cut off"):
        transcripts.parse('{"segments": [\n{"start": 0, "te')


@pytest.mark.parametrize("text", ["[" * 200_000, '{"segments":' * 100_000, "[" + "9" * 10_000 + "]"])
def test_absurd_json_is_refused_and_does_not_crash(text: str) -> None:
    with pytest.raises(ContentError):
        transcripts.parse(text)


INVISIBLE = "\x1b\x00\x9b\u200b\ud800"  # what steers a terminal, what Postgres refuses, and what has no UTF-8


@pytest.mark.parametrize(
    "content",
    [
        [{"start": 0, "end": 5, "text": f"Hear{INVISIBLE} the room.", "speaker": f"Ann{INVISIBLE} Lee"}],
        {"segments": [{"startTime": 0, "body": f"Hear{INVISIBLE} the room.", "speaker": f"Ann{INVISIBLE} Lee"}]},
        {"events": [{"tStartMs": 0, "segs": [{"utf8": f"Ann{INVISIBLE} Lee: Hear{INVISIBLE} the room."}]}]},
    ],
    ids=["whisper", "podcast", "json3"],
)
def test_what_json_escapes_is_as_clean_as_what_a_file_says(content: object) -> None:
    document = parse(content)
    assert [(speaker, text) for speaker, text, _, _ in said(document)] == [("Ann Lee", "Hear the room.")]


def test_a_word_is_found_in_its_segment_however_either_is_escaped() -> None:
    words = [{"word": "Cafe\u0301.", "start": 1.0}, {"word": "Now\u200b", "start": 4.0}]
    document = parse([{"start": 1.0, "end": 6.0, "text": "Caf\u00e9. Now.", "words": words}])
    assert [(text, start_s) for _, text, start_s, _ in said(document)] == [("Café.", 1.0), ("Now.", 4.0)]
