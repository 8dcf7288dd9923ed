"""Plain text, bytes and sentences."""

import time

import pytest

from backend.errors import ContentError
from backend.knowledge.sentences import sentence_spans
from pipeline.sources import text
from pipeline.sources.decode import decode
from pipeline.sources.parsed import NothingToRead


def test_hard_wrapped_lines_become_paragraphs() -> None:
    document = text.parse("One line\nand its end.\n\n\n  Another   one.\n")
    assert [block.text for block in document.sections[0].blocks] == ["One line and its end.", "Another one."]


def test_a_short_first_line_that_is_no_sentence_is_the_title() -> None:
    document = text.parse("Before you upload\n\nWait a day.\n")
    assert document.title == "Before you upload"
    assert [block.text for block in document.sections[0].blocks] == ["Wait a day."]
    assert text.parse("It is late.\n\nWait a day.\n").title is None


def test_white_space_is_nothing_to_read() -> None:
    with pytest.raises(NothingToRead):
        text.parse(" \n\n \n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_decide_and_disappear(encoding: str) -> None:
    assert decode("naïve – 音".encode(encoding)) == ("naïve – 音", ())


def test_windows_files_are_read_with_a_remark() -> None:
    decoded, remarks = decode("it’s".encode("cp1252"))
    assert decoded == "it’s"
    assert remarks


def test_a_damaged_byte_makes_the_rest_no_other_encoding() -> None:
    whole = "Notes of a café — naïve ones".encode()
    decoded, remarks = decode(whole + b"\xff. And more")
    assert decoded == "Notes of a café — naïve ones\N{REPLACEMENT CHARACTER}. And more"
    assert remarks == ("a piece of it could not be read as UTF-8 and became \N{REPLACEMENT CHARACTER}",)
    assert decode("café naïve é".encode()[:-1])[0] == "café naïve \N{REPLACEMENT CHARACTER}"
    assert decode("one \N{REPLACEMENT CHARACTER} of its own".encode()) == (
        "one \N{REPLACEMENT CHARACTER} of its own",
        (),
    )


@pytest.mark.parametrize(
    ("text", "encoding"), [("音がする", "shift-jis"), ("声音很大", "gb18030"), ("Громкость", "koi8-r")]
)
def test_what_only_looks_like_windows_is_refused_with_what_to_do(text: str, encoding: str) -> None:
    with pytest.raises(ContentError, match="save it as UTF-8"):
        decode(f"{text} and a few words. {text}. {text}".encode(encoding))


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ContentError, match="not a text file"):
        decode(b"\x89PNG\r\n\x1a\n\0\0")


def test_nothing_invisible_stays_and_joined_emoji_do() -> None:
    assert decode("a\u200bb\u00adc\x00d\u2028e👨‍👩‍👧".replace("\x00", "\x01").encode())[0] == "abcd\ne👨‍👩‍👧"


@pytest.mark.parametrize(
    ("paragraph", "sentences"),
    [
        ("It is loud. Turn it down! Why?", ["It is loud.", "Turn it down!", "Why?"]),
        ("See e.g. Dr. A. Smith, approx. 3.5 dB. Good.", ["See e.g. Dr. A. Smith, approx. 3.5 dB.", "Good."]),
        ("So do I. He said “no.” Then left.", ["So do I.", "He said “no.”", "Then left."]),
        ("音がする。静かに！本当？", ["音がする。", "静かに！", "本当？"]),
        ("هل هذا صحيح؟ نعم. جيد", ["هل هذا صحيح؟", "نعم.", "جيد"]),
        ("- one\n- two", ["- one", "- two"]),
        ("no stop at all", ["no stop at all"]),
    ],
)
def test_sentences_end_where_readers_think(paragraph: str, sentences: list[str]) -> None:
    assert [paragraph[start:end] for start, end in sentence_spans(paragraph)] == sentences


@pytest.mark.parametrize("run", ["." * 30_000, "?!" * 15_000, "." + ")" * 30_000, "." + " [1]" * 8_000])
def test_long_runs_of_marks_are_no_work(run: str) -> None:
    text = f"I think so{run}x. It is so [1]."
    began = time.process_time()
    assert text[slice(*list(sentence_spans(text))[-1])] == "It is so [1]."
    assert time.process_time() - began < 0.25


def test_marks_in_a_row_end_one_sentence_wherever_they_stand() -> None:
    text = "Is it?! Yes... Well.x so.. . [1] Then。. And 。！!? Go.)”[1][2] [3]x It… is so.. [4] [5]."
    assert [text[start:end] for start, end in sentence_spans(text)] == [
        "Is it?!", "Yes...", "Well.x so..", ". [1]", "Then。", ".", "And 。！", "!?", "Go.)”[1][2]",
        "[3]x It… is so.. [4]", "[5].",
    ]  # fmt: skip
