"""Every way in which an upstream of the tests can fail, from a refusal to a torn character. Each says `CANARY`.

`answer_badly` is for faults that take the place of the whole response, `break_off` for those within an answer.
"""

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal, get_args

# Statuses and headers alone: the body of a refusal is not read.
Refusal = Literal[
    "refuse_500",
    "refuse_500_html",
    "refuse_400",
    "refuse_401",
    "refuse_403",
    "refuse_429",
    "refuse_429_date",
    "refuse_429_negative",
    "refuse_429_absurd",
    "refuse_503",
    "endless_refusal",
    "redirect",
]
# The connection itself, or a response that is no answer.
Wrong = Literal[
    "silent",
    "slow_headers",
    "reset_in_headers",
    "no_http",
    "error_in_200",
    "html",
    "gzip",
    "image",
    "nothing",
    "hang",
    "endless_comments",
    "endless_blank_lines",
    "endless_reasoning",
    "done_only",
]
# A stream that begins well, or has nothing to say.
Broken = Literal[
    "stall",
    "endless_answer",
    "close_unfinished",
    "done_unfinished",
    "reset",
    "error_in_band",
    "error_event",
    "broken_json",
    "no_object",
    "half_character",
    "half_character_at_the_end",
    "lone_surrogate",
    "giant_line",
    "content_filter",
    "aborted",
    "empty",
    "blank",
    "unseen",
    "markers_alone",
    "tool_calls",
]
# Odd, and yet whole answers.
Odd = Literal["hang_after_finish", "finish_twice"]
Fault = Refusal | Wrong | Broken | Odd
REFUSALS, WRONGS = get_args(Refusal), get_args(Wrong)
# What a fault of these sends is the last of its stream; after the others the answer goes on as if nothing had been.
ENDS: tuple[Fault, ...] = ("close_unfinished", "done_unfinished", "half_character_at_the_end")
FAULTS: tuple[Fault, ...] = (*REFUSALS, *WRONGS, *get_args(Broken), *get_args(Odd))

# Every word that a fault says carries this, so that a test can look for it where it must not be.
CANARY = "sk-canary-4f1d"
ERROR = json.dumps({"error": {"message": f"no, {CANARY}"}}).encode()
PACE_S = 0.01


def retry_after(fault: Fault) -> str:
    """The header of a refusal."""
    match fault:
        case "refuse_429_date":
            return format_datetime(datetime.now(UTC) + timedelta(seconds=7), usegmt=True)
        case "refuse_429_negative":
            return "-7"
        case "refuse_429_absurd":
            return str(10**12)
        case _:
            return "7"


async def answer_badly(fault: Fault, send: Any) -> None:
    """The whole response of a fault of `REFUSALS` and `WRONGS`."""
    match fault:
        case "redirect":
            await begin(send, 307, "text/plain", (b"location", b"/v1/elsewhere"))
            await write(send, CANARY.encode(), last=True)
        case "endless_refusal":
            await begin(send, 500, "application/json")
            while True:
                await write(send, CANARY.encode() * 1000)
                await asyncio.sleep(0)
        case "refuse_500" | "refuse_400" | "refuse_401" | "refuse_403":
            await begin(send, int(fault[-3:]), "application/json")
            await write(send, ERROR, last=True)
        case "refuse_500_html":
            await begin(send, 500, "text/html")
            await write(send, f"<html>{CANARY}</html>".encode(), last=True)
        case fault if fault in REFUSALS:
            await begin(
                send, int(fault.split("_")[1]), "application/json", (b"retry-after", retry_after(fault).encode())
            )
            await write(send, ERROR, last=True)
        case "silent":
            await asyncio.sleep(3600)
        case "slow_headers" | "reset_in_headers" | "no_http":
            await on_the_wire(fault, send.__self__.transport)
        case "error_in_200":
            await begin(send, 200, "application/json")
            await write(send, ERROR, last=True)
        case "html":
            await begin(send, 200, "text/html; charset=utf-8")
            await write(send, f"<html>{CANARY}</html>".encode(), last=True)
        case "gzip":
            await begin(send, 200, "text/event-stream", (b"content-encoding", b"gzip"))
            await write(send, gzip.compress(frame({"content": CANARY}).encode()), last=True)
        case "image":
            await begin(send, 200, "image/png")
            await write(send, b"\x89PNG\r\n\x1a\n" + CANARY.encode() + bytes(1000), last=True)
        case "nothing":
            await begin(send, 200, "text/event-stream")
            await write(send, b"", last=True)
        case _:
            await begin(send, 200, "text/event-stream")
            async for piece in without_an_answer(fault):
                await write(send, piece.encode())
            await write(send, b"", last=True)


async def without_an_answer(fault: Fault) -> AsyncIterator[str]:
    """Streams that never come to a token."""
    if fault == "done_only":
        yield "data: [DONE]\n\n"
        return
    yield ": hello\n\n"
    if fault == "hang":
        await asyncio.sleep(3600)
    while True:
        match fault:
            case "endless_comments":
                yield f": {CANARY}\n\n"
            case "endless_blank_lines":
                yield "\n\n\n\n"
            case _:
                yield frame({"reasoning_content": f"{CANARY} hmm "})
        await asyncio.sleep(PACE_S)


async def on_the_wire(fault: Fault, transport: Any) -> None:
    """What no server says by itself."""
    if fault == "no_http":
        transport.write(f"220 {CANARY} ready\r\n".encode())
        transport.close()
        return
    transport.write(f"HTTP/1.1 200 OK\r\nX-Key: {CANARY}\r\n".encode())
    if fault == "reset_in_headers":
        # With nothing to linger for, a close is a reset.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return
    while not transport.is_closing():
        transport.write(b"X-Slow: 1\r\n")
        await asyncio.sleep(PACE_S)


async def break_off(fault: Fault) -> AsyncIterator[str | bytes]:
    """What a fault in the middle of an answer sends, nothing for one that is not of that kind."""
    match fault:
        case "stall":
            await asyncio.sleep(3600)
        case "endless_answer":
            while True:  # at most 20,000 words a second, so that its own weight is not the machine's speed
                yield frame({"content": "and "}) * 20
                await asyncio.sleep(0.001)
        case "done_unfinished":
            yield "data: [DONE]\n\n"
        case "error_in_band":
            yield f"data: {ERROR.decode()}\n\n"
        case "error_event":
            yield f"event: error\ndata: {CANARY}\n\n"
        case "broken_json":
            yield f'data: {{"choices": [{{"delta": {{"content": "{CANARY}\n\n'
        case "no_object":
            yield f'data: ["{CANARY}"]\n\n'
        case "half_character":
            yield frame({"content": f"{CANARY}😀"}).encode().replace(b"\x80", b"", 1)
        case "half_character_at_the_end":
            yield frame({"content": "😀"}).encode().split(b"\x98")[0]
        case "lone_surrogate":
            yield frame({"content": "X"}).replace("X", f"{CANARY}\\ud83d")
        case "giant_line":
            for _ in range(40):
                yield b"data: " + b"x" * 65536
        case "content_filter":
            yield frame({}, finish_reason="content_filter")
        case "aborted":
            yield frame({}, finish_reason="abort")
        case _:
            pass


def frame(delta: dict[str, Any], finish_reason: str | None = None) -> str:
    """One chunk of a completion as it goes over the wire; U+2028 and emoji are not escaped."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "test", "choices": [choice]}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"


async def begin(send: Any, status: int, content_type: str, *headers: tuple[bytes, bytes]) -> None:
    fields = [(b"content-type", content_type.encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": fields})


async def write(send: Any, body: bytes, *, last: bool = False) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": not last})


@contextmanager
def nobody_listening() -> Iterator[str]:
    """A base URL where connections are refused."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def nobody_accepting() -> Iterator[str]:
    """A base URL where a connection never comes about: the queue of those that wait to be accepted is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            for each in waiting:
                each.close()
