"""A server on loopback that says what a test wants it to, or nothing at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

Respond = Callable[[str], Awaitable[tuple[int, str, str]]]


@asynccontextmanager
async def server(respond: Respond | None) -> AsyncIterator[int]:
    """A server on loopback that answers requests by their head with status, type and body; with None it never does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode() if respond else ""
            if respond is None:
                await reader.read()
                return
            status, kind, body = await respond(head)
            phrase = HTTPStatus(status).phrase
            said = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: {kind}\r\ncontent-length: {len(body.encode())}\r\n"
            writer.write(f"{said}connection: close\r\n\r\n{body}".encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]
