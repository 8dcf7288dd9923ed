"""What may be fetched, from where, how much and how long."""

import asyncio
import gzip
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Self

import pytest
from aiohttp import web

from backend.errors import ContentError
from pipeline.address import address, site
from pipeline.body import Body
from pipeline.fetch import AT_A_TIME_PER_SITE, MAX_REDIRECTS, Fetcher, Limits, Unreachable
from pipeline.public_network import Address, is_public
from pipeline.sources.parsed import NothingToRead
from tests.pipeline.site import Handler, Site, is_public_or_loopback, redirect, status, to_loopback

LIMITS = Limits(size=100_000, retry_after_s=1.0)
HASTY = Limits(size=100_000, total_s=1.0, silence_s=0.4)

# Each means this machine, a network behind it, or something that is no site. {port} is one where somebody listens.
HOSTILE = """
http://127.0.0.1:{port}/
http://127.1:{port}/
http://127.0.1:{port}/
http://127.255.255.254:{port}/
http://2130706433:{port}/
http://0x7f000001:{port}/
http://0x7f.0.0.1:{port}/
http://0x7f.1:{port}/
http://0177.0.0.1:{port}/
http://0177.1:{port}/
http://017700000001:{port}/
http://0:{port}/
http://0.0.0.0:{port}/
http://localhost:{port}/
http://LOCALHOST:{port}/
http://localhost.:{port}/
http://127.0.0.1.:{port}/
http://[::1]:{port}/
http://[0:0:0:0:0:0:0:1]:{port}/
http://[::]:{port}/
http://[::127.0.0.1]:{port}/
http://[::ffff:127.0.0.1]:{port}/
http://[::ffff:7f00:1]:{port}/
http://[::ffff:0:127.0.0.1]:{port}/
http://[64:ff9b::7f00:1]:{port}/
http://[64:ff9b::169.254.169.254]:{port}/
http://[64:ff9b:1::1]:{port}/
http://[2002:7f00:1::]:{port}/
http://[2002:a9fe:a9fe::1]:{port}/
http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:{port}/
http://[fe80::1]:{port}/
http://[fe80::1%25eth0]:{port}/
http://[::1%25lo]:{port}/
http://[::1%lo]:{port}/
http://[fc00::1]:{port}/
http://[fd00:ec2::254]/latest/meta-data/
http://[fec0::1]:{port}/
http://[ff02::1]:{port}/
http://[2001:db8::1]:{port}/
http://[3fff::1]:{port}/
http://[100::1]:{port}/
http://[4000::1]:{port}/
http://169.254.169.254/latest/meta-data/
http://169.254.43518/latest/meta-data/
http://2852039166/latest/meta-data/
http://100.100.100.200/latest/meta-data/
http://192.0.0.192/opc/v2/instance/
http://168.63.129.16/machine?comp=goalstate
http://10.0.0.1/
http://10.1/
http://172.16.0.1/
http://172.31.255.255/
http://192.168.1.1/
http://192.168.257/
http://100.64.0.1/
http://198.18.0.1/
http://192.0.2.1/
http://192.88.99.1/
http://203.0.113.9/
http://224.0.0.1/
http://239.255.255.250:1900/
http://240.0.0.1/
http://255.255.255.255/
http://127.0.0.1%00.example:{port}/
http://127.0.0.1%2eexample:{port}/
http://%31%32%37.0.0.1:{port}/
http://1%3227.0.0.1:{port}/
http://127%2e0%2e0%2e1:{port}/
http://127。0。0。1:{port}/
http://１２７.０.０.１:{port}/
http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/
http://site.example@127.0.0.1:{port}/
http://site.example:80@127.0.0.1:{port}/
http://127.0.0.1:{port}\\@site.example/
http://@127.0.0.1:{port}/
http://127.0.0.1:{port}#@site.example/
http://127.0.0.1:{port}?@site.example/
http:///127.0.0.1:{port}/
http:127.0.0.1:{port}/
http://:{port}/
http://*:{port}/
http:// 127.0.0.1:{port}/
http://127.0.0.1\t:{port}/
http://127.0.0.1:{port}/\r\nHost: x
https://127.0.0.1:{port}/
https://[::1]:{port}/
ftp://127.0.0.1:{port}/
file:///etc/passwd
gopher://127.0.0.1:{port}/_x
data:text/html,x
//127.0.0.1:{port}/
127.0.0.1:{port}
javascript:alert(1)
""".strip("\n").split("\n")


@contextmanager
def listening() -> Iterator[tuple[int, list[object]]]:
    """A port on every loopback address, and who connected to it."""
    with socket.create_server(("127.0.0.1", 0)) as four, socket.socket(socket.AF_INET6) as six:
        port = four.getsockname()[1]
        seen: list[object] = []
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listeners = [four]
        try:
            six.bind(("::1", port))
            six.listen()
            listeners.append(six)
        except OSError:  # a machine without version 6
            pass
        for listener in listeners:
            threading.Thread(target=_note, args=(listener, seen), daemon=True).start()
        try:
            yield port, seen
        finally:
            for listener in listeners:
                listener.shutdown(socket.SHUT_RDWR)


def _note(listener: socket.socket, seen: list[object]) -> None:
    try:
        while True:
            connection, peer = listener.accept()
            seen.append(peer)
            connection.close()
    except OSError:
        return


@pytest.fixture
async def served() -> AsyncIterator[Site]:
    async with Site() as site:
        yield site


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


async def reason(fetcher: Fetcher, url: str, path: Path) -> ContentError:
    with pytest.raises(ContentError) as caught:
        await fetcher.fetch(url, path)
    assert path not in list(path.parent.glob("*"))
    return caught.value


async def test_addresses_that_are_not_public_are_refused_in_every_notation_before_a_connection(tmp_path: Path) -> None:
    with listening() as (port, seen):
        socket.create_connection(("127.0.0.1", port)).close()
        while not seen:
            await asyncio.sleep(0.01)
        seen.clear()
        async with Fetcher(LIMITS) as fetcher:
            for template in HOSTILE:
                error = await reason(fetcher, template.replace("{port}", str(port)), tmp_path / "page")
                assert error.message.endswith((".", "that.")), template
                assert not seen, template
    assert len(HOSTILE) == len(set(HOSTILE)) > 80


@pytest.mark.parametrize("number", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_sites_are_public(number: str) -> None:
    assert is_public(ip_address(number))


@pytest.mark.parametrize(
    "number", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "::1", "fd00::1", "fe80::1%eth0"]
)
async def test_a_name_that_leads_to_a_private_network_is_refused(number: str, tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return [number]

    async with Fetcher(LIMITS, resolve) as fetcher:
        error = await reason(fetcher, "https://harmless.example/", tmp_path / "page")
    assert "not on the public internet" in error.message
    assert not error.retryable


class Everywhere:
    """A site at every address of this machine, which notes at which it was visited."""

    def __init__(self) -> None:
        self.visited: list[str] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "0.0.0.0", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visited.append(writer.get_extra_info("sockname")[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()


async def test_of_several_addresses_only_allowed_ones_are_connected_to(tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1", "127.0.0.3"]

    async with Everywhere() as served, Fetcher(LIMITS, resolve, is_public_or_loopback) as fetcher:
        await fetcher.fetch(f"http://several.example:{served.port}/", tmp_path / "page")
    assert served.visited == ["127.0.0.1"]


async def test_a_name_that_changes_its_address_is_resolved_once_and_connected_to_where_it_was_checked(
    tmp_path: Path,
) -> None:
    """DNS rebinding: the second answer is the one that an attacker wants to be connected to."""
    answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]]
    checked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    def is_allowed(candidate: Address) -> bool:
        checked.append(str(candidate))
        return str(candidate) == "127.0.0.1"

    async with Everywhere() as served, Fetcher(LIMITS, resolve, is_allowed) as fetcher:
        await fetcher.fetch(f"http://changing.example:{served.port}/", tmp_path / "page")
        assert served.visited == checked == ["127.0.0.1"]
        assert len(answers) == 2
        await reason(fetcher, f"http://changing.example:{served.port}/", tmp_path / "other")
        assert served.visited == ["127.0.0.1"]


async def test_the_site_is_asked_by_its_name(served: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    served.pages["/a?b=1"] = "<p>here</p>"
    fetched = await fetcher.fetch(served.url("/a?b=1#part", "Talks.Example"), tmp_path / "page")
    request = served.requests[0]
    assert request.headers["Host"] == f"talks.example:{served.port}"
    assert request.headers["User-Agent"].startswith("Footnote/")
    assert fetched.address == served.url("/a?b=1", "talks.example")
    assert (tmp_path / "page").read_text() == "<p>here</p>"


def self_signed(name: str, folder: Path) -> ssl.SSLContext:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    make = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name}"
    subprocess.run([*make.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_secure_site_must_prove_the_name_that_was_asked_for(fetcher: Fetcher, tmp_path: Path) -> None:
    names: list[str | None] = []
    context = self_signed("talks.example", tmp_path)
    context.sni_callback = lambda _, name, __: names.append(name)

    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(nothing, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await reason(fetcher, f"https://talks.example:{port}/", tmp_path / "page")
    assert names == ["talks.example"]
    assert "certificate" in error.message


async def test_the_environment_has_no_say(
    served: Site, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ana password secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    served.pages["/"] = "<p>here</p>"
    async with Fetcher(LIMITS, to_loopback, is_public_or_loopback) as late:
        await late.fetch(served.url("/"), tmp_path / "page")
    assert "Authorization" not in served.requests[0].headers


async def test_cookies_are_not_kept(served: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    served.pages["/"] = status(302, Location="/next", Set_Cookie="who=ana; Path=/")
    served.pages["/next"] = "<p>here</p>"
    await fetcher.fetch(served.url("/"), tmp_path / "page")
    await fetcher.fetch(served.url("/next"), tmp_path / "page")
    assert len(served.requests) == 3
    assert not any("Cookie" in request.headers for request in served.requests)


# Redirects


async def test_redirects_are_followed_and_tell_where_they_led(served: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    served.pages |= {"/a": redirect("b/c", 301), "/b/c": redirect(f"//other.example:{served.port}/d"), "/d": "x"}
    fetched = await fetcher.fetch(served.url("/a"), tmp_path / "page")
    assert fetched.address == served.url("/d", "other.example")
    assert served.requests[2].headers["Host"] == f"other.example:{served.port}"


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("http://10.0.0.1/", "not on the public internet"),
        ("http://[::1]:{port}/", "not on the public internet"),
        ("http://2852039166/latest/meta-data/", "not on the public internet"),
        ("//169.254.169.254/", "not on the public internet"),
        ("file:///etc/passwd", "Only addresses with http or https"),
        ("ftp://site.example/", "Only addresses with http or https"),
        ("http://ana:secret@site.example/", "name or password"),
        ("http://[::1", "not a web address"),
        ("http://a b/", "does not name a site"),
    ],
)
async def test_a_redirect_away_from_the_public_internet_is_refused(
    location: str, sentence: str, served: Site, tmp_path: Path
) -> None:
    served.pages["/"] = redirect(location.replace("{port}", str(served.port)))

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"] if host == "site.example" else [entry[4][0] for entry in socket.getaddrinfo(host, port)]

    async with Fetcher(LIMITS, resolve, is_public_or_loopback) as fetcher:
        error = await reason(fetcher, served.url("/", "site.example"), tmp_path / "page")
    assert sentence in error.message
    assert "secret" not in error.message
    assert len(served.requests) == 1


async def test_a_redirect_without_an_end_is_cut(served: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    served.pages["/"] = redirect("/")
    error = await reason(fetcher, served.url("/"), tmp_path / "page")
    assert "leads on" in error.message
    assert len(served.requests) == MAX_REDIRECTS + 1


def test_a_redirect_from_https_to_http_is_refused() -> None:
    from pipeline.fetch import _redirected

    assert _redirected("https://site.example/a", "/b") == "https://site.example/b"
    assert _redirected("http://site.example/a", "https://site.example/b") == "https://site.example/b"
    with pytest.raises(ContentError, match="https to http"):
        _redirected("https://site.example/a", "http://site.example/a")


async def test_meta_refresh_is_not_followed(served: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    served.pages["/"] = '<meta http-equiv="refresh" content="0; url=http://10.0.0.1/">'
    await fetcher.fetch(served.url("/"), tmp_path / "page")
    assert served.paths == ["/"]


# How much and how long


def endless(piece: bytes, pause_s: float = 0.0, **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"} | headers)
        await response.prepare(request)
        try:
            while True:
                await response.write(piece)
                await asyncio.sleep(pause_s)
        except ConnectionError:
            return response

    return handler


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


# What the site says


@pytest.mark.parametrize(
    ("code", "sentence", "is_retryable"),
    [
        (404, "nothing at this address", False),
        (410, "nothing at this address", False),
        (401, "does not give it to everybody", False),
        (403, "does not give it to everybody", False),
        (500, "fault of its own", True),
        (502, "fault of its own", True),
        (418, "nothing to read", False),
        (204, "nothing to read", False),
        (304, "nothing to read", False),
    ],
)
async def test_what_a_site_refuses_with_has_a_sentence(
    code: int, sentence: str, is_retryable: bool, served: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    served.pages["/x?token=secret"] = status(code)
    error = await reason(fetcher, served.url("/x?token=secret"), tmp_path / "page")
    assert sentence in error.message
    assert error.retryable is is_retryable
    assert "secret" not in error.message


@pytest.mark.parametrize(("code", "retry_after"), [(429, "0"), (503, "1"), (503, "Wed, 21 Oct 2015 07:28:00 GMT")])
async def test_a_site_that_asks_to_come_back_is_asked_once_more(
    code: int, retry_after: str, served: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    async def busy(request: web.Request) -> web.StreamResponse:
        if len(served.requests) == 1:
            return web.Response(status=code, headers={"Retry-After": retry_after})
        return web.Response(text="here")

    served.pages["/"] = busy
    began = time.monotonic()
    await fetcher.fetch(served.url("/"), tmp_path / "page")
    assert (tmp_path / "page").read_text() == "here"
    assert time.monotonic() - began >= (1 if retry_after == "1" else 0)


@pytest.mark.parametrize(("retry_after", "requests"), [("0", 2), ("3600", 1), ("Wed, 21 Oct 2099 07:28:00 GMT", 1)])
async def test_a_site_that_stays_busy_fails_and_can_be_tried_later(
    retry_after: str, requests: int, served: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    served.pages["/"] = status(429, Retry_After=retry_after)
    error = await reason(fetcher, served.url("/"), tmp_path / "page")
    assert isinstance(error, Unreachable)
    assert "come back later" in error.message
    assert len(served.requests) == requests


@pytest.mark.parametrize(
    "media_type", ["audio/mpeg", "video/mp4", "image/png", "application/x-msdownload", "x" * 500, "a\xa0/<b>"]
)
async def test_what_is_no_kind_of_text_is_not_downloaded(
    media_type: str, served: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    served.pages["/"] = endless(b"x" * 1000, 0.01, **{"Content-Type": media_type})
    error = await reason(fetcher, served.url("/"), tmp_path / "page")
    assert isinstance(error, NothingToRead)
    assert "not a kind that is read" in error.message
    assert len(error.message) < 200


async def test_a_site_that_is_not_there_cannot_be_reached(fetcher: Fetcher, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = await reason(fetcher, f"http://127.0.0.1:{port}/", tmp_path / "page")
    assert "cannot be reached" in error.message
    assert error.retryable

    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    async with Fetcher(LIMITS, unknown) as other:
        assert "cannot be reached" in (await reason(other, "http://nowhere.example/", tmp_path / "page")).message


async def test_few_are_asked_for_at_a_time_and_waiting_for_a_turn_costs_nothing(served: Site, tmp_path: Path) -> None:
    now = most = 0

    async def count(request: web.Request) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.1)
        now -= 1
        return web.Response(text="here")

    names = [f"/{number}" for number in range(12)]
    served.pages |= dict.fromkeys(names, count)
    limits = Limits(total_s=0.3)
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


# Addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP://Site.Example:80/A/../b#top", "http://site.example/b"),
        ("https://site.example:443", "https://site.example/"),
        ("https://site.example:8443/?q=a b", "https://site.example:8443/?q=a%20b"),
        ("https://münchen.example/ä", "https://xn--mnchen-3ya.example/%C3%A4"),
        ("http://[2606:4700::1111]:80/x", "http://[2606:4700::1111]/x"),
    ],
)
def test_an_address_has_one_form(text: str, expected: str) -> None:
    assert address(text) == expected
    assert address(expected) == expected


def test_an_address_of_absurd_length_is_refused() -> None:
    with pytest.raises(ContentError, match="longer than"):
        address("https://site.example/" + "x" * 2000)


def test_www_makes_no_other_site() -> None:
    same: Callable[[str, str], bool] = lambda one, other: site(address(one)) == site(address(other))  # noqa: E731
    assert same("https://www.site.example/a", "http://site.example:8080/b")
    assert not same("https://site.example/", "https://site.example.evil.example/")
