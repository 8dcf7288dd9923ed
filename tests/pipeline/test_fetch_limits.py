"""How much may be fetched, how long it may take, and how many at a time."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from backend.errors import ContentError
from pipeline.body import Body
from pipeline.fetch import AT_A_TIME_PER_SITE, Fetcher, Limits
from tests.pipeline.site import LIMITS, Handler, Site, endless, is_public_or_loopback, reason, to_loopback

HASTY = Limits(size=100_000, total_s=1.0, silence_s=0.4)


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    """One that may connect to this machine, by its number or any name."""
    async with Fetcher(LIMITS, to_loopback, is_public_or_loopback) as fetcher:
        yield fetcher


@pytest.fixture
async def hasty() -> AsyncIterator[Fetcher]:
    """The same, soon out of patience."""
    async with Fetcher(HASTY, to_loopback, is_public_or_loopback) as fetcher:
        yield fetcher


async def test_an_endless_body_is_cut_at_the_limit(served: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    served.pages["/"] = endless(b"x" * 10_000)
    error = await reason(fetcher, served.url("/"), tmp_path / "page")
    assert "larger than" in error.message


async def test_a_body_that_announces_too_much_is_not_read(served: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    served.pages["/"] = b"x" * 100_001
    assert "larger than" in (await reason(fetcher, served.url("/"), tmp_path / "page")).message
    served.pages["/"] = b"x" * 100_000
    await fetcher.fetch(served.url("/"), tmp_path / "page")


async def test_a_packed_bomb_is_refused(served: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        bomb = gzip.compress(b"\0" * 20_000_000)
        assert len(bomb) < LIMITS.size
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "text/html"})

    served.pages["/"] = handler
    assert "larger than" in (await reason(fetcher, served.url("/"), tmp_path / "page")).message


def test_a_packed_bomb_never_grows_beyond_the_limit(tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    with Body(tmp_path / "page", "gzip", limit=200_000) as body, pytest.raises(ContentError, match="larger than"):
        body.write(bomb)
    assert 100_000 < (tmp_path / "page").stat().st_size <= 200_000


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_body_that_was_packed_in_parts_is_unpacked_whole(size: int, tmp_path: Path) -> None:
    parts = [b"<p>one</p>" * 10_000, b"", b"<p>two</p>"]
    packed = b"".join(gzip.compress(part) for part in parts)
    with Body(tmp_path / "page", "gzip", limit=200_000) as body:
        for start in range(0, len(packed), size):
            body.write(packed[start : start + size])
    assert body.is_whole
    assert (tmp_path / "page").read_bytes() == b"".join(parts)


def test_a_body_whose_second_part_is_cut_off_is_not_whole(tmp_path: Path) -> None:
    packed = gzip.compress(b"one") + gzip.compress(b"two")
    with Body(tmp_path / "page", "gzip", limit=100) as body:
        body.write(packed[:-1])
    assert not body.is_whole
    with Body(tmp_path / "page", "gzip", limit=100) as body, pytest.raises(ContentError, match="damaged"):
        body.write(packed + b"and no third")
    with Body(tmp_path / "page", "gzip", limit=1000) as body, pytest.raises(ContentError, match="larger than"):
        body.write(gzip.compress(b"\0" * 600) * 2)


async def test_a_packed_body_is_unpacked_and_a_broken_one_refused(
    served: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    packed = gzip.compress(b"<p>words</p>" * 100)

    def sent(body: bytes, coding: str) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, headers={"Content-Encoding": coding, "Content-Type": "text/html"})

        return handler

    served.pages |= {
        "/whole": sent(packed, "gzip"),
        "/half": sent(packed[:20], "gzip"),
        "/none": sent(b"no gzip at all", "gzip"),
        "/br": sent(b"x", "br"),
    }
    await fetcher.fetch(served.url("/whole"), tmp_path / "page")
    assert (tmp_path / "page").read_bytes() == b"<p>words</p>" * 100
    (tmp_path / "page").unlink()
    assert "broke off" in (await reason(fetcher, served.url("/half"), tmp_path / "page")).message
    assert "damaged" in (await reason(fetcher, served.url("/none"), tmp_path / "page")).message
    assert "packed in a way" in (await reason(fetcher, served.url("/br"), tmp_path / "page")).message


@pytest.mark.alone
@pytest.mark.parametrize("pause_s", [0.1, 5.0])
async def test_a_body_that_drips_is_cut_at_the_deadline(
    pause_s: float, served: Site, hasty: Fetcher, tmp_path: Path
) -> None:
    served.pages["/"] = endless(b"x", pause_s)
    began = time.monotonic()
    error = await reason(hasty, served.url("/"), tmp_path / "page")
    assert "too long" in error.message
    assert error.retryable
    assert time.monotonic() - began < HASTY.total_s + 0.5


@pytest.mark.alone
async def test_redirects_do_not_lengthen_the_deadline(served: Site, hasty: Fetcher, tmp_path: Path) -> None:
    async def slowly(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.35)
        return web.Response(status=302, headers={"Location": f"/{len(served.requests)}"})

    served.pages |= dict.fromkeys(("/", "/1", "/2", "/3", "/4", "/5"), slowly)
    began = time.monotonic()
    assert "too long" in (await reason(hasty, served.url("/"), tmp_path / "page")).message
    assert time.monotonic() - began < HASTY.total_s + 0.5


async def test_headers_without_an_end_and_a_silent_site_are_given_up(hasty: Fetcher, tmp_path: Path) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                writer.write(b"X-More: and more\r\n" * 1000)
                await writer.drain()
        except ConnectionError:
            writer.close()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    for handler, sentence in ((babble, "broke off"), (silence, "too long")):
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            error = await reason(hasty, f"http://127.0.0.1:{port}/", tmp_path / "page")
        assert sentence in error.message


async def test_few_are_asked_for_at_a_time_and_waiting_for_a_turn_costs_nothing(served: Site, tmp_path: Path) -> None:
    now = most = 0

    async def count(request: web.Request) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.1)
        now -= 1
        return web.Response(text="here")

    names = [f"/{number}" for number in range(30)]
    served.pages |= dict.fromkeys(names, count)
    limits = Limits(total_s=1.0)  # ten times what one takes, and less than the last waits for its turn
    async with Fetcher(limits, to_loopback, is_public_or_loopback) as fetcher:
        await asyncio.gather(*(fetcher.fetch(served.url(name), tmp_path / name[1:]) for name in names))
        assert most == AT_A_TIME_PER_SITE
        most = 0
        sites = (served.url(name, f"site{number % 6}.example") for number, name in enumerate(names))
        await asyncio.gather(*(fetcher.fetch(url, tmp_path / str(number)) for number, url in enumerate(sites)))
        assert most == 4


async def test_a_fetch_that_is_given_up_leaves_no_file(served: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    served.pages["/"] = endless(b"x" * 10, 0.05)
    task = asyncio.create_task(fetcher.fetch(served.url("/"), tmp_path / "page"))
    while not (tmp_path / "page").exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (tmp_path / "page").exists()
