"""The ranges of addresses that a setting names."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

Network = IPv4Network | IPv6Network

MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 as a socket of both families shows it (RFC 4291, 2.5.5.2)


def unmapped(network: Network) -> Network:
    """The range of IPv4 where it is written as one of IPv6, as addresses of clients are compared without that."""
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - MAPPED.prefixlen))
    return network


def joined(networks: Iterable[Network]) -> Iterator[Network]:
    """The fewest ranges that are the same addresses."""
    every = tuple(networks)
    yield from collapse_addresses(network for network in every if isinstance(network, IPv4Network))
    yield from collapse_addresses(network for network in every if isinstance(network, IPv6Network))
