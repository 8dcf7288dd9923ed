"""By which address a client is counted: the nearest one that no proxy of ours wrote down by itself."""

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers

from backend.limits.forwarded import Address, address_of, hops_of_forwarded, hops_of_x_forwarded_for
from backend.settings_networks import Network

IPV6_PREFIX = 64  # what one subscriber has at least (RFC 6177), so that an address more is not another client


class ClientAddresses:
    """Tells the client of a request, given the ranges of our own proxies."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)

    def of(self, peer: str, headers: Headers) -> str:
        """The client's address as it is counted, IPv6 as its /64; "" where the peer has none (a local socket).

        From the peer on, each trusted address says who is behind it; the first that is not trusted is the client. One
        that says nothing readable is the client itself. Headers of an untrusted peer mean nothing. `Forwarded` is
        read only where there is no `X-Forwarded-For`: nearly all proxies add to the latter, and pass on whatever a
        client has written into the former.
        """
        client = address_of(peer)
        if client is None:
            return ""
        if self._is_trusted(client):
            lines = headers.getlist("x-forwarded-for")
            for hop in hops_of_x_forwarded_for(lines) if lines else hops_of_forwarded(headers.getlist("forwarded")):
                if hop is None:
                    break
                client = hop
                if not self._is_trusted(client):
                    break
        return as_counted(client)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def as_counted(address: Address) -> str:
    """IPv4 as it is, IPv6 as the network of its first 64 bits."""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Network((address, IPV6_PREFIX), strict=False))
