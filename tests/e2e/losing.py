"""A way to the service on which connections can be lost: between a browser and the service, byte for byte."""

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class LosingProxy:
    """Passes on what comes, until `lose` breaks every connection off; new ones are refused until `find`."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._service = (parts.hostname, parts.port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._lost = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.lose()
        self._server.close()

    def lose(self) -> None:
        self._lost = True
        for writer in self._writers:
            writer.transport.abort()

    def find(self) -> None:
        self._lost = False

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._lost:
            writer.transport.abort()
            return
        service_reader, service_writer = await asyncio.open_connection(*self._service)
        self._writers |= {writer, service_writer}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(pass_on(reader, service_writer))
                both.create_task(pass_on(service_reader, writer))
        finally:
            self._writers -= {writer, service_writer}


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything from one side to the other, and its end."""
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
