"""A link between the service and an engine, over Unix sockets, that a test makes slow or cuts."""

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

READY_FOR_QUERY = b"Z\0\0\0\5"  # https://www.postgresql.org/docs/current/protocol-message-formats.html


class Link:
    """Passes on to the engine what comes to `socket`, and back what the engine says, `delay_s` later."""

    def __init__(self, engine: Path) -> None:
        self.delay_s = 0.0
        self.cut = asyncio.Event()
        self._engine = engine
        self._folder = tempfile.TemporaryDirectory(prefix="footnote-link-")
        self.socket = Path(self._folder.name) / engine.name
        self._words: list[bytes] = []
        self._passing: set[asyncio.Task[None]] = set()

    def cut_at(self, *words: bytes) -> None:
        """The connection over which these were sent, in this order, is cut once: when the engine has done what it was
        told with the last of them, and before it is heard to have done so. `cut` says that it has happened."""
        self._words = list(words)
        self.cut.clear()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._pass_on, self.socket)
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.close()
        for task in self._passing:
            task.cancel()
        self._folder.cleanup()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._passing.add(asyncio.current_task())  # type: ignore[arg-type]
        with suppress(OSError):
            engine_reader, engine_writer = await asyncio.open_unix_connection(self._engine)
            saying = Saying()
            ways = [
                asyncio.create_task(self._to_engine(reader, engine_writer, saying)),
                asyncio.create_task(self._from_engine(engine_reader, writer, saying)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                engine_writer.transport.abort()
        writer.transport.abort()
        self._passing.discard(asyncio.current_task())  # type: ignore[arg-type]

    async def _to_engine(self, reader: asyncio.StreamReader, engine: asyncio.StreamWriter, saying: "Saying") -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                while saying.heard < len(self._words) and self._words[saying.heard] in data:
                    saying.heard += 1
                if self._words and saying.heard == len(self._words):
                    saying.is_last = True
                    self._words = []
                engine.write(data)
                await engine.drain()

    async def _from_engine(self, engine: asyncio.StreamReader, writer: asyncio.StreamWriter, saying: "Saying") -> None:
        clock = asyncio.get_running_loop().time
        arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await arriving.get()
                await asyncio.sleep(max(due - clock(), 0))
                writer.write(data)

        delivering = asyncio.create_task(deliver())
        try:
            with suppress(OSError):
                while data := await engine.read(1 << 16):
                    if not saying.is_last:
                        arriving.put_nowait((clock() + self.delay_s, data))
                    elif READY_FOR_QUERY in data:
                        self.cut.set()
                        return
        finally:
            delivering.cancel()


class Saying:
    """How many of the words were sent over one connection, and whether they were the last."""

    def __init__(self) -> None:
        self.heard = 0
        self.is_last = False
