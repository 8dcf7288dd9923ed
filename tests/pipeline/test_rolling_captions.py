"""Captions that show a line again while the next one comes, or grow: each word is said once."""

import pytest

from pipeline.sources import srt, webvtt
from tests.pipeline.said import timed, turns

ROLLING = """WEBVTT
Kind: captions
Language: en

00:00:00.160 --> 00:00:02.070 align:start position:0%
 
listen<00:00:00.480><c> to</c><00:00:00.960><c> the</c><00:00:01.200><c> room</c>

00:00:02.070 --> 00:00:02.080 align:start position:0%
listen to the room
 

00:00:02.080 --> 00:00:04.309 align:start position:0%
listen to the room
before<00:00:02.240><c> you</c><00:00:02.320><c> mix</c>

00:00:04.309 --> 00:00:04.319 align:start position:0%
before you mix
 

00:00:04.319 --> 00:00:06.000 align:start position:0%
before you mix
[Music]

00:00:06.000 --> 00:00:06.010 align:start position:0%
[Music]
 

00:00:06.010 --> 00:00:08.000 align:start position:0%
[Music]
&gt;&gt; no<00:00:06.500><c> no</c>

00:00:08.000 --> 00:00:08.010 align:start position:0%
&gt;&gt; no no
 

00:00:08.010 --> 00:00:09.000 align:start position:0%
&gt;&gt; no no
no<00:00:08.500><c> no</c>
"""


def test_rolling_captions_say_each_word_once_when_it_is_first_shown() -> None:
    document = webvtt.parse(ROLLING)
    assert timed(document) == [
        ("listen to the room", 0.16, 2.07),
        ("before you mix", 2.08, 4.309),
        ("no no", 6.01, 8.0),
        ("no no", 8.01, 9.0),
    ]
    assert turns(document) == [(None, "listen to the room before you mix"), (None, "no no no no")]


def test_rolling_captions_that_became_srt_are_read_alike() -> None:
    cues = [
        ("00:00:00,160 --> 00:00:02,070", "\nlisten to the room"),
        ("00:00:02,070 --> 00:00:02,080", "listen to the room\n"),
        ("00:00:02,080 --> 00:00:04,309", "listen to the room\nbefore you mix"),
        ("00:00:04,309 --> 00:00:04,319", "before you mix\n"),
        ("00:00:04,319 --> 00:00:06,000", "before you mix\nand rest"),
    ]
    text = "\n".join(f"{number}\n{times}\n{text}\n" for number, (times, text) in enumerate(cues, start=1))
    assert timed(srt.parse(text)) == [
        ("listen to the room", 0.16, 2.07),
        ("before you mix", 2.08, 4.309),
        ("and rest", 4.319, 6.0),
    ]


def test_a_line_that_grows_word_by_word_is_said_once() -> None:
    lines = ["gain", "gain comes", "gain comes first", "gain comes first\nthen", "then level"]
    text = "".join(f"00:0{at}.000 --> 00:0{at + 1}.000\n{line}\n\n" for at, line in enumerate(lines))
    assert timed(webvtt.parse(f"WEBVTT\n\n{text}")) == [
        ("gain", 0.0, 1.0),
        ("comes", 1.0, 2.0),
        ("first", 2.0, 3.0),
        ("then", 3.0, 4.0),
        ("level", 4.0, 5.0),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ["Turn it up", "Turn it up", "Turn it up", "Turn it up"],
        ["Turn it up", "Turn it up", "one more time", "Turn it up", "Turn it up\none more time", "Turn it down"],
    ],
)
def test_a_refrain_is_said_as_often_as_it_is_sung(lines: list[str]) -> None:
    text = "".join(f"00:0{at}.000 --> 00:0{at + 1}.000\n{line}\n\n" for at, line in enumerate(lines))
    assert turns(webvtt.parse(f"WEBVTT\n\n{text}")) == [(None, " ".join(lines).replace("\n", " "))]
