"""How addresses are asked for, where redirects may lead, and what is said of those that give nothing."""

import asyncio
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiohttp import web

from backend.errors import ContentError
from pipeline.fetch import MAX_REDIRECTS, Fetcher, Unreachable
from pipeline.sources.parsed import NothingToRead
from tests.pipeline.site import LIMITS, Site, endless, is_public_or_loopback, reason, redirect, status, to_loopback


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    """One that may connect to this machine, by its number or any name."""
    async with Fetcher(LIMITS, to_loopback, is_public_or_loopback) as fetcher:
        yield fetcher


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
        ("http:////[x?y", "not a web address"),
        ("http://127.0.0.1:99999/x", "a port that does not exist"),
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


@pytest.mark.parametrize(
    "retry_after",
    ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2020 00:00:00 +99999999999999999999", "Mon, soon"],
)
async def test_a_moment_that_no_calendar_has_is_no_moment_to_come_back_at(
    retry_after: str, served: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    served.pages["/"] = status(503, Retry_After=retry_after)
    assert "come back later" in (await reason(fetcher, served.url("/"), tmp_path / "page")).message
    assert len(served.requests) == 2


async def test_a_name_that_resolves_to_nonsense_cannot_be_asked_for(tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["nonsense"]

    async with Fetcher(LIMITS, resolve) as fetcher:
        error = await reason(fetcher, "http://site.example/", tmp_path / "page")
    assert "cannot be asked for" in error.message


async def test_a_file_that_cannot_be_written_is_a_reason_that_may_pass(
    served: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    served.pages["/"] = "<p>here</p>"
    error = await reason(fetcher, served.url("/"), tmp_path / "gone" / "page")
    assert isinstance(error, Unreachable)
    assert "could not be kept" in error.message


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
