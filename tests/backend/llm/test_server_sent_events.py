"""The parser against the specification, one rule a test, and against every way of cutting the bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.llm.server_sent_events import EventParser, EventTooLarge, ServerSentEvent


def parse(*chunks: bytes) -> list[tuple[str, str]]:
    parser = EventParser()
    return [(event.event, event.data.decode()) for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\n"])
def test_every_line_ending_of_the_specification_ends_a_line(ending: bytes) -> None:
    assert parse(ending.join([b"event: a", b"data: 1", b"", b"data: 2", b"", b""])) == [("a", "1"), ("message", "2")]


def test_data_lines_are_joined_by_a_line_feed() -> None:
    assert parse(b"data: YHOO\ndata: +2\ndata: 10\n\n") == [("message", "YHOO\n+2\n10")]


def test_only_one_space_after_the_colon_is_dropped() -> None:
    assert parse(b"data:test\n\ndata: test\n\ndata:  test\n\n") == [
        ("message", "test"),
        ("message", "test"),
        ("message", " test"),
    ]


def test_a_line_without_colon_is_a_field_with_an_empty_value() -> None:
    assert parse(b"data\n\ndata\ndata\n\ndata:") == [("message", ""), ("message", "\n")]


def test_comments_and_unknown_fields_are_read_over() -> None:
    assert parse(b": keepalive\n\nid: 3\nretry: 5\nfoo: bar\ndata: x\n\n") == [("message", "x")]


def test_an_event_name_without_data_is_forgotten() -> None:
    assert parse(b"event: ping\n\ndata: x\n\n") == [("message", "x")]


def test_an_event_cut_short_by_the_end_is_dropped() -> None:
    assert parse(b"data: whole\n\ndata: half\n") == [("message", "whole")]


def test_a_byte_order_mark_is_dropped_at_the_start_only() -> None:
    mark = "\ufeff".encode()
    assert parse(mark[:1], mark[1:] + b"data: a\n\n" + b"data: " + mark + b"\n\n") == [
        ("message", "a"),
        ("message", "\ufeff"),
    ]
    assert parse(b"\n" + mark + b"data: a\n\n") == []


def test_line_separators_of_unicode_are_text() -> None:
    text = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg"
    assert parse(f"data: {text}\n\n".encode()) == [("message", text)]


def test_a_line_over_the_limit_fails_whether_it_comes_whole_or_in_pieces() -> None:
    with pytest.raises(EventTooLarge):
        EventParser(max_bytes=10).feed(b"data: 0123456789\n\n")
    with pytest.raises(EventTooLarge):
        EventParser(max_bytes=10).feed(b": 0123456789\n\n")
    parser = EventParser(max_bytes=10)
    parser.feed(b"data: 0123")
    with pytest.raises(EventTooLarge):
        parser.feed(b"4")


def test_many_short_data_lines_count_together() -> None:
    parser = EventParser(max_bytes=100)
    with pytest.raises(EventTooLarge):
        parser.feed(b"data: x\n" * 20)


def test_the_limit_is_of_one_event_and_not_of_the_stream() -> None:
    parser = EventParser(max_bytes=20)
    assert sum(len(parser.feed(b"data: 0123456\n\n")) for _ in range(100)) == 100


lines = st.one_of(
    st.just(""),
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12).map("data: {}".format),
    st.sampled_from([": comment", "event: token", "id: 1", "data", "\ufeffdata: x"]),
)


@given(st.lists(st.tuples(lines, st.sampled_from(["\n", "\r", "\r\n"])), max_size=12), st.data())
def test_the_events_are_the_same_wherever_the_bytes_are_cut(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    stream = "".join(line + ending for line, ending in pairs).encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole = EventParser().feed(stream)
    parser, single = EventParser(), EventParser()
    assert [event for piece in pieces for event in parser.feed(piece)] == whole
    assert [event for index in range(len(stream)) for event in single.feed(stream[index : index + 1])] == whole


def test_events_are_plain_tuples() -> None:
    assert EventParser().feed(b"data: x\n\n") == [ServerSentEvent("message", b"x")]
