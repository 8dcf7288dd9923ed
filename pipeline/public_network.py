"""Connections to public addresses only: the name is resolved once, and the address that was checked is connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpcore2

from backend.errors import ContentError

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

MAX_ATTEMPTS = 4  # addresses of one name that are tried

# Registries call some of these global; none is a site. After the IANA special-purpose registries, and what clouds use.
_NO_SITES_4 = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments; 192.0.0.192 is Oracle's metadata service
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv4Network("168.63.129.16/32"),  # Azure's services for its own machines
)
_UNICAST_6 = IPv6Network("2000::/3")
_NO_SITES_6 = (
    IPv6Network("2001::/23"),  # protocol assignments, of which Teredo carries an IPv4 address
    IPv6Network("2002::/16"),  # 6to4, which carries one
    IPv6Network("3fff::/20"),  # documentation
)
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could connect to it.

    Addresses of version 6 that carry one of version 4 are refused, except those of NAT64 with a public one in it: in
    networks of version 6 alone, most sites have no other.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in net for net in _NO_SITES_4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _UNICAST_6 and address.is_global and not any(address in net for net in _NO_SITES_6)


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name or number in the order in which they should be tried, by the operating system.

    Raises `OSError` or `UnicodeError` where there is none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class PublicBackend(httpcore2.AsyncNetworkBackend):
    """Opens the connections of a pool. It alone turns a name into an address, so nothing goes round the check."""

    def __init__(self, resolve: Resolve, is_allowed: Callable[[Address], bool]) -> None:
        self._resolve = resolve
        self._is_allowed = is_allowed
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the first allowed address that answers; `timeout` is for each.

        Raises `ContentError` where the name has no allowed address.
        """
        try:
            found = [ip_address(text) for text in await self._resolve(host, port)]
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("no such name") from error
        allowed = [address for address in found if self._is_allowed(address)]
        if not allowed:
            raise ContentError("It is not on the public internet: save it as a file, and ingest that.")
        failures: list[Exception] = []
        for address in allowed[:MAX_ATTEMPTS]:
            try:
                return await self._backend.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failures.append(error)
        raise failures[0]

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
