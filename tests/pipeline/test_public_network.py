"""Only public addresses are connected to, however they are written and whatever names lead to them."""

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Self

import pytest

from pipeline.fetch import Fetcher
from pipeline.public_network import Address, is_public
from tests.pipeline.site import LIMITS, is_public_or_loopback, reason

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
