"""Whose address counts: no header of anybody but our own proxies moves it."""

import ipaddress
import json
import time
import uuid
from pathlib import Path

import httpx
import pytest
from starlette.datastructures import Headers

from backend.errors import ConfigurationError
from backend.limits.client_address import ClientAddresses
from backend.settings import Settings, load
from tests.service import QUESTION, running, with_section

TRUSTED = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "192.0.2.7/32", "2001:db8:ffff::/48")))
PROXY, CLIENT, OTHER = "10.0.0.1", "203.0.113.5", "198.51.100.9"
XFF, FORWARDED = "X-Forwarded-For", "Forwarded"
SPOOFS: list[tuple[str, str]] = [
    (XFF, OTHER), (XFF, f"{OTHER}, {OTHER}"), (XFF, "10.0.0.2"), (XFF, "127.0.0.1"), (XFF, "unknown"),
    (XFF, ","), (XFF, ""), (XFF, '"'), (XFF, "\x7f\xff"), (XFF, f"{OTHER}, 10.0.0.3"), (XFF, "1" * 9000),
    (XFF, "::ffff:10.0.0.3"),
    (FORWARDED, f"for={OTHER}"), (FORWARDED, 'for="'), (FORWARDED, "for=10.0.0.2"), (FORWARDED, f'for="{OTHER}, x'),
    (FORWARDED, r'for="\"'), (FORWARDED, "for=_hidden"), (FORWARDED, f"for={OTHER};for={OTHER}"),
    (FORWARDED, f"by={OTHER}"),
    ("X-Real-IP", OTHER), ("X-Client-IP", OTHER), ("CF-Connecting-IP", OTHER), ("True-Client-IP", OTHER),
]  # fmt: skip


def address_of(peer: str, *lines: tuple[str, str], trusted: tuple[object, ...] = TRUSTED) -> str:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in lines]
    return ClientAddresses(trusted).of(peer, Headers(raw=raw))  # type: ignore[arg-type]


@pytest.mark.parametrize("spoof", SPOOFS)
@pytest.mark.parametrize("trusted", [TRUSTED, ()])
def test_headers_of_an_untrusted_peer_mean_nothing(spoof: tuple[str, str], trusted: tuple[object, ...]) -> None:
    assert address_of(CLIENT, spoof, trusted=trusted) == CLIENT
    assert address_of(CLIENT, spoof, (XFF, OTHER), (FORWARDED, f"for={OTHER}"), trusted=trusted) == CLIENT


@pytest.mark.parametrize("spoof", SPOOFS)
def test_whatever_a_client_writes_its_proxy_writes_the_truth_behind_it(spoof: tuple[str, str]) -> None:
    name, value = spoof
    assert address_of(PROXY, spoof, (XFF, CLIENT)) == CLIENT
    if name == XFF:
        assert address_of(PROXY, (XFF, f"{value}, {CLIENT}")) == CLIENT
        return  # a proxy that writes Forwarded alone has to leave it out
    assert address_of(PROXY, spoof, (FORWARDED, f"for={CLIENT}")) == CLIENT
    if name == FORWARDED:
        for written in (f"for={CLIENT}", f'proto=https;For="{CLIENT}:4711";by=_proxy', f'for="{CLIENT}"'):
            assert address_of(PROXY, (FORWARDED, f"{value}, {written}")) == CLIENT


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        ([(XFF, CLIENT)], CLIENT),
        ([(XFF, f" {CLIENT}\t")], CLIENT),
        ([(XFF, f"{OTHER}, {CLIENT}, 10.9.9.9, 192.0.2.7")], CLIENT),
        ([(XFF, OTHER), (XFF, f"{CLIENT},10.9.9.9"), (XFF, "192.0.2.7")], CLIENT),
        ([(XFF, f"{CLIENT}, ,, ")], CLIENT),
        ([(XFF, f"{CLIENT}:4711")], CLIENT),
        ([(XFF, f"::ffff:{CLIENT}")], CLIENT),
        ([(XFF, "2001:db8:1:2:3:4:5:6")], "2001:db8:1:2::/64"),
        ([(XFF, "[2001:db8:1:2::9]:443")], "2001:db8:1:2::/64"),
        ([(XFF, "[2001:db8:1:2::9]")], "2001:db8:1:2::/64"),
        ([(XFF, f"{CLIENT}, 2001:db8:ffff::1")], CLIENT),
        ([(FORWARDED, f"for={CLIENT}")], CLIENT),
        ([(FORWARDED, f"for={OTHER}, for={CLIENT};proto=https, FOR=10.9.9.9")], CLIENT),
        ([(FORWARDED, f"for={OTHER}"), (FORWARDED, f"for={CLIENT}"), (FORWARDED, "for=10.9.9.9")], CLIENT),
        ([(FORWARDED, 'for="[2001:db8:1:2::9]:443"')], "2001:db8:1:2::/64"),
        ([(FORWARDED, "for=[2001:db8:1:2::9]")], "2001:db8:1:2::/64"),
        ([(FORWARDED, f'for="{CLIENT}:_port"')], CLIENT),
        ([(FORWARDED, r'for="203\.0.113.5"')], CLIENT),
        ([(FORWARDED, f'by=10.0.0.1 ; for={CLIENT} ; host="a, for={OTHER}"')], CLIENT),
        ([(FORWARDED, rf'for={CLIENT};host="x\", for=\"{OTHER}"')], CLIENT),
        ([(XFF, CLIENT), (FORWARDED, f"for={OTHER}")], CLIENT),
        # What a proxy of ours does not tell is counted as that proxy, never as what stands to the left of it.
        ([], PROXY),
        ([(XFF, f"{OTHER}, unknown")], PROXY),
        ([(XFF, f"{OTHER}, 10.9.9.9:x")], PROXY),
        ([(XFF, f"{OTHER}, nonsense, 10.9.9.9")], "10.9.9.9"),
        ([(FORWARDED, f"for={OTHER}, for=unknown")], PROXY),
        ([(FORWARDED, f"for={OTHER}, for=_hidden, for=10.9.9.9")], "10.9.9.9"),
        ([(FORWARDED, f"for={OTHER}, proto=https")], PROXY),
        ([(FORWARDED, f"for={OTHER}, for={CLIENT};for={OTHER}")], PROXY),
        ([(FORWARDED, f'for={OTHER}, for="')], PROXY),
        # Nobody but us: the farthest.
        ([(XFF, "10.3.3.3, 10.2.2.2")], "10.3.3.3"),
    ],
)
def test_a_trusted_peer_tells_who_is_behind_it(lines: list[tuple[str, str]], client: str) -> None:
    assert address_of(PROXY, *lines) == client
    assert address_of(f"::ffff:{PROXY}", *lines) == client  # as a socket that listens for both families sees it


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        (CLIENT, CLIENT),
        (f"::ffff:{CLIENT}", CLIENT),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_ipv6_counts_by_the_network_of_a_subscriber_and_mapped_ipv4_as_ipv4(peer: str, counted: str) -> None:
    assert address_of(peer) == counted


def test_a_long_hostile_header_is_read_in_no_time() -> None:
    started = time.process_time()
    for junk in (',a="' * 5000, "for=" * 5000, ",\\" * 9000, 'for="' + "\\" * 20_000, ";for=x" * 3000, " ," * 9000):
        for name in (XFF, FORWARDED):
            assert address_of(PROXY, (name, junk)) == PROXY
    assert time.process_time() - started < 1


@pytest.mark.parametrize("proxies", ['["10.0.0.1/8"]', '["proxy"]', '["0.0.0.0/0"]', '["::/0"]'])
def test_a_proxy_that_is_no_range_or_everybody_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxies: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOOTNOTE_SERVER__TRUSTED_PROXIES", proxies)
    with pytest.raises(ConfigurationError, match="trusted_proxies"):
        load()


async def first_visitor(base_url: str, key: str, *lines: tuple[str, str]) -> str:
    """The visitor that a first question with this key is taken for: another one for each address."""
    async with httpx.AsyncClient(base_url=base_url) as client:
        headers = [("Idempotency-Key", key), *lines]
        response = await client.post("/api/v1/chat", json={"query": QUESTION}, headers=headers)
        assert response.status_code == 200, response.text
        return response.headers["x-run-id"]


async def test_over_http_an_untrusted_peer_cannot_say_to_be_somebody_else(library: Settings) -> None:
    assert library.server.trusted_proxies == ()
    key = str(uuid.uuid4())
    async with running(library) as address:
        run = await first_visitor(address, key)
        for spoof in ((XFF, OTHER), (FORWARDED, f"for={OTHER}"), (XFF, "10.0.0.1")):
            assert await first_visitor(address, key, spoof) == run


async def test_over_http_a_trusted_peer_says_who_is_behind_it(library: Settings) -> None:
    local = (ipaddress.ip_network("127.0.0.0/8"),)
    key = str(uuid.uuid4())
    async with running(with_section(library, "server", trusted_proxies=local)) as address:
        direct = await first_visitor(address, key)
        client = await first_visitor(address, key, (XFF, CLIENT))
        assert client != direct
        for lines in (
            [(XFF, f"{OTHER}, {CLIENT}")],
            [(XFF, OTHER), (XFF, CLIENT)],
            [(FORWARDED, f"for={OTHER}, for={CLIENT}")],
            [(FORWARDED, f'for="{OTHER}'), (FORWARDED, f"for={CLIENT}")],
        ):
            assert await first_visitor(address, key, *lines) == client, json.dumps(lines)
