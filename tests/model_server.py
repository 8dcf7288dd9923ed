"""A real OpenAI-compatible model server on loopback: it streams what it is told, or fails as told.

    async with ModelServer(answer="Hello [1].") as server:
        ... server.base_url ... server.requests ... server.open_streams

`python -m tests.model_server --port 9009` runs it alone.
"""

import argparse
import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

import uvicorn

from tests.model_faults import (
    CANARY,
    ENDS,
    FAULTS,
    REFUSALS,
    WRONGS,
    Fault,
    answer_badly,
    begin,
    break_off,
    frame,
    write,
)

Chunking = Literal["whole", "token", "byte"]
SOURCE = re.compile(r'<source index="(\d+)"[^>]*>\n(.*?)\n</source>', re.DOTALL)


@dataclass
class RecordedRequest:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: Any

    @property
    def prompt(self) -> str:
        """All messages, as one text."""
        return "\n".join(str(message["content"]) for message in self.body["messages"])


def cite_sources(prompt: str) -> str:
    """The default answer: the first sentence of each of the prompt's first three sources, with its marker."""
    sentences = [
        f"{re.split(r'(?<=[.!?]) ', text.strip())[0].replace(chr(10), ' ')} [{index}]"
        for index, text in SOURCE.findall(prompt)[:3]
    ]
    return " ".join(sentences) or "There are no sources for this."


def words_of(text: str) -> list[str]:
    """Pieces the size of a model's tokens; joined they are the text."""
    return re.findall(r"\s*\S{1,6}|\s+$", text)


@dataclass
class ModelServer:
    """Settings may be changed between two requests; `requests` and `open_streams` are for assertions.

    `answer` is the text, or makes it from the prompt; `fault` may be told from the request. `tokens_per_s` None means
    as fast as it goes. A fault that breaks an answer off does so after `fault_after` tokens. `stamped` tokens say when
    they were sent, by the monotonic clock.
    """

    answer: str | Callable[[str], str] = cite_sources
    chunking: Chunking = "token"
    split: Callable[[str], list[str]] = words_of
    tokens_per_s: float | None = None
    first_token_delay_s: float = 0
    fault: Fault | Callable[[RecordedRequest], Fault | None] | None = None
    fault_after: int = 2
    finish_reason: str = "stop"
    stamped: bool = False
    usage: bool | dict[str, int] = True  # or what it says instead of counting
    reasoning: bool = False
    line_ending: str = "\n"
    port: int = 0
    requests: list[RecordedRequest] = field(default_factory=list)
    open_streams: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition, init=False, repr=False)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", self.port))
        # asyncio does this only for sockets that name their protocol; without it each first piece waits some 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(
            self.app, lifespan="off", log_config=None, access_log=False, ws="none", interface="asgi3"
        )
        self._server = QuietServer(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        await self._serving

    async def no_stream_open(self, within_s: float = 1.0) -> bool:
        """Whether every stream has been closed, by us or by the reader, within the time."""
        try:
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(lambda: self.open_streams == 0)
        except TimeoutError:
            return False
        return True

    async def stream_open(self) -> None:
        """Returns once a request is being answered."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.open_streams > 0)

    async def _count(self, change: int) -> None:
        async with self._changed:
            self.open_streams += change
            self._changed.notify_all()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self.requests.append(RecordedRequest(scope["path"], headers, json.loads(body) if body else None))
        answering = asyncio.create_task(self.respond(self.requests[-1], send))
        leaving = asyncio.create_task(receive())
        await self._count(1)
        try:
            await asyncio.wait([answering, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            answering.cancel()
            await self._count(-1)
        if answering.done() and not answering.cancelled():
            answering.result()

    async def respond(self, request: RecordedRequest, send: Any) -> None:
        fault = self.fault(request) if callable(self.fault) else self.fault
        if fault in REFUSALS or fault in WRONGS:
            await answer_badly(fault, send)
            return
        await begin(send, 200, "text/event-stream")
        async for piece in self.frames(request, fault):
            for chunk in cut(piece, self.line_ending, self.chunking):
                await write(send, chunk)
        await write(send, b"", last=True)

    async def frames(self, request: RecordedRequest, fault: Fault | None) -> AsyncIterator[str | bytes]:
        await asyncio.sleep(self.first_token_delay_s)
        yield frame({"role": "assistant", "content": ""})
        if self.reasoning:
            yield frame({"reasoning_content": "secret thoughts"})
        if fault == "tool_calls":
            yield frame({"tool_calls": [{"index": 0, "function": {"name": CANARY, "arguments": "{}"}}]})
            yield frame({}, finish_reason="tool_calls")
            return
        wordless = {"empty": "", "blank": " \n ", "unseen": "\0 \u200b\ufeff \0", "markers_alone": "[1] [9, 2]\n"}
        text = wordless.get(fault or "", self.text(request))
        words = self.split(text) if self.chunking != "whole" else [text]
        for number, word in enumerate(words):
            if number:  # without a pace too, each token goes out by itself
                await asyncio.sleep(1 / self.tokens_per_s if self.tokens_per_s else 0)
            if fault is not None and number == self.fault_after:
                async for broken in break_off(fault):
                    yield broken
                if fault == "reset":
                    raise ConnectionResetError
                if fault in ENDS:
                    return
            yield frame({"content": f"@{time.monotonic():.6f} " if self.stamped else word})
        yield frame({}, finish_reason=self.finish_reason)
        if fault == "hang_after_finish":
            await asyncio.sleep(3600)
        if fault == "finish_twice":
            yield frame({"content": CANARY}, finish_reason="length")
        if self.usage:
            counted = {"prompt_tokens": len(request.prompt.split()), "completion_tokens": len(words)}
            usage = self.usage if isinstance(self.usage, dict) else counted
            yield f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n"
        yield "data: [DONE]\n\n"

    def text(self, request: RecordedRequest) -> str:
        return self.answer if isinstance(self.answer, str) else self.answer(request.prompt)


class QuietServer(uvicorn.Server):
    """uvicorn in a task of someone else's loop: the process's signals are not its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def cut(piece: str | bytes, line_ending: str, chunking: Chunking) -> list[bytes]:
    """A piece of the stream as it is sent; bytes are sent as they are."""
    data = piece if isinstance(piece, bytes) else piece.replace("\n", line_ending).encode()
    return [data[index : index + 1] for index in range(len(data))] if chunking == "byte" else [data]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tokens-per-second", type=float, help="as fast as it goes where it is not given")
    parser.add_argument("--tokens", type=int, help="answer with so many words instead of citing the prompt's sources")
    parser.add_argument("--stamped", action="store_true", help="every token says when it was sent")
    parser.add_argument("--chunking", choices=get_args(Chunking), default="token")
    parser.add_argument("--fault", choices=FAULTS)
    chosen = parser.parse_args()
    answer = " ".join(["word"] * chosen.tokens) if chosen.tokens else cite_sources
    async with ModelServer(
        answer,
        chosen.chunking,
        tokens_per_s=chosen.tokens_per_second,
        fault=chosen.fault,
        port=chosen.port,
        stamped=chosen.stamped,
    ) as server:
        print(server.base_url, flush=True)  # noqa: T201
        await server._serving


if __name__ == "__main__":
    asyncio.run(main())
