"""HTTP as bytes on a connection, for what no client library would send."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass
class Reply:
    """One response, whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """A connection to a service: bytes go out as they are given, responses are read one by one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, service: str) -> Self:
        parts = urlsplit(service)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.writer.close()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def pour(self, begun: bytes, piece: bytes) -> None:
        """Sends the beginning, and then the piece until the connection breaks. Raises `ConnectionError`."""
        await self.send(begun)
        while True:
            await self.send(piece)

    async def reply(self) -> Reply:
        """The next response. Raises `asyncio.IncompleteReadError` where the connection ends before it does."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in pairs}
        status = int(first.split()[1])
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await self.reader.readline(), 16):
                body += await self.reader.readexactly(size + 2)
            await self.reader.readexactly(2)
        else:
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Reply(status, headers, body)

    async def closed(self, within_s: float = 5) -> bool:
        """Whether the service ends the connection by itself, without another byte."""
        try:
            async with asyncio.timeout(within_s):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


async def exchange(service: str, request: bytes) -> Reply:
    """Sends these bytes and reads one response."""
    async with await Wire.to(service) as wire, asyncio.timeout(20):
        await wire.send(request)
        return await wire.reply()
