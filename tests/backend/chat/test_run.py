"""A run's frames: one writer, any number of readers at any pace."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import UUID

import pytest

from backend.chat.events import DoneEvent, ErrorEvent, ResetEvent, SourcesEvent, TokenEvent, encode, split_frames
from backend.chat.journal import contiguous
from backend.chat.replay import has_all_retold, recovered, retold
from backend.chat.run import Run
from backend.conversations.models import Message, RunRecord
from tests.sse import read_all, text_of

RECORD = RunRecord(UUID(int=1), UUID(int=2), UUID(int=3), 1, "me", running=True, heartbeat_at=datetime.now(UTC))


def new_run() -> Run:
    return Run(RECORD, lambda run: None, lambda run: None)


async def read(run: Run, after: int = 0, keepalive_s: float = 10) -> bytes:
    return b"".join([part async for part in run.follow(after, keepalive_s)])


async def test_every_reader_gets_every_frame_whenever_it_comes() -> None:
    run = new_run()
    early = asyncio.create_task(read(run))
    await asyncio.sleep(0)
    run.append(SourcesEvent([]))
    run.append(TokenEvent("one"))
    middle = asyncio.create_task(read(run, after=1))
    await asyncio.sleep(0)
    run.append(TokenEvent("two"))
    run.append(DoneEvent({"ok": True}))
    late = await read(run)
    assert await early == late
    assert [event.id for event in read_all([late])] == ["1", "2", "3", "4"]
    assert [event.id for event in read_all([await middle])] == ["2", "3", "4"]
    assert run.readers == 0


async def test_nothing_comes_after_a_terminal_frame() -> None:
    run = new_run()
    run.append(ErrorEvent({"code": "internal"}))
    with pytest.raises(RuntimeError):
        run.append(TokenEvent("late"))


async def test_a_reader_in_silence_gets_comments_and_then_the_frame() -> None:
    run = new_run()
    async with aclosing(run.follow(0, 0.02)) as stream:
        assert await anext(stream) == b": keepalive\n\n"
        run.append(TokenEvent("at last"))
        assert b"at last" in await anext(stream)


async def test_the_last_reader_who_leaves_is_noticed_and_only_the_last() -> None:
    left: list[Run] = []
    run = Run(RECORD, lambda run: None, left.append)
    first, second = run.follow(0, 10), run.follow(0, 10)
    run.append(SourcesEvent([]))
    await anext(first)
    await anext(second)
    await first.aclose()
    assert left == []
    await second.aclose()
    assert left == [run]


async def test_the_first_reason_to_stop_counts() -> None:
    run = new_run()
    run.producer = asyncio.create_task(asyncio.sleep(10))
    run.stop("shutdown")
    run.stop("stopped")
    await asyncio.wait({run.producer})
    assert run.producer.cancelled()
    assert run.stop_reason == "shutdown"


@pytest.mark.parametrize("text", ["a\nb", "\u2028\u2029\u0085", "🎚️", "data: x\n\nid: 9", "\ud83d", "\0", '"\\'])
def test_a_frame_is_one_line_of_json_whatever_the_text(text: str) -> None:
    frame = encode(2, TokenEvent(text))
    assert frame.count(b"\n") == 4
    (event,) = read_all([frame])
    assert event.json == {"text": text}
    assert split_frames(frame + frame) == [frame, frame]


def test_the_journal_of_a_dead_worker_becomes_an_interrupted_answer() -> None:
    events = [SourcesEvent([{"index": 1}]), TokenEvent("void"), ResetEvent("fast", "timeout"), TokenEvent("said")]
    answer = recovered([encode(number, event) for number, event in enumerate(events, 1)], RECORD)
    assert (answer.content, answer.status, answer.sources) == ("said", "interrupted", [{"index": 1}])
    assert answer.terminal["code"] == "interrupted"
    assert answer.terminal["retryable"] is True


def test_what_comes_after_a_gap_in_a_journal_is_not_taken_for_the_answer() -> None:
    frames = [encode(number, TokenEvent(str(number))) for number in (1, 2, 5, 6)]
    assert recovered(contiguous(frames, 0), RECORD).content == "12"
    assert recovered(contiguous(frames[2:], 0), RECORD).content == ""
    assert contiguous(frames, 1) == frames[1:2]
    assert contiguous(frames, 4) == frames[2:]
    assert contiguous(frames, 6) == []


def test_what_a_worker_writes_that_was_taken_for_dead_is_not_read() -> None:
    events = [SourcesEvent([]), TokenEvent("said"), ErrorEvent({"code": "interrupted"}), TokenEvent("later")]
    frames = [encode(number, event) for number, event in enumerate(events, 1)]
    assert contiguous(frames, 0) == frames[:3]


def test_a_journal_that_is_gone_becomes_an_empty_interrupted_answer() -> None:
    assert recovered([], RECORD).content == ""


def test_a_client_with_the_replay_of_a_saved_answer_has_its_text() -> None:
    message = Message(
        UUID(int=3), 2, "assistant", "whole", "complete", [], [], "fast", "stop", datetime.now(UTC), {"finish": 1}
    )
    fresh = read_all(retold(message, [], 0, expired=True))
    assert [event.event for event in fresh] == ["sources", "token", "done"]
    assert [event.id for event in fresh] == ["1", "2", "3"]
    again = read_all(retold(message, [], 7, expired=True))
    assert [event.event for event in again] == ["reset", "token", "done"]
    assert text_of(fresh) == text_of(again) == "whole"


def test_who_comes_back_with_a_frame_of_a_replay_is_known_by_its_number() -> None:
    message = Message(
        UUID(int=3), 2, "assistant", "whole", "complete", [], [], "fast", "stop", datetime.now(UTC), {"finish": 1}
    )
    for after in (1, 7, 199):
        events = read_all(retold(message, [], after, expired=True))
        for cut in (1, 2):
            numbers = [int(event.id) for event in events[:cut]]
            assert not any(map(has_all_retold, numbers))
            rest = read_all(retold(message, [], numbers[-1], expired=False))
            numbers += [int(event.id) for event in rest]
            assert numbers == sorted(set(numbers))
            assert text_of(events[:cut] + rest) == "whole"
            assert has_all_retold(numbers[-1])
    returning = read_all(retold(message, [], 0, expired=False))
    assert [event.id for event in returning] == ["1", "100000002", "100000003"]
