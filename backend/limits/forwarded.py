"""What proxies say of whom they passed on, read from the right: the nearest proxy wrote last.

A hop is an address, or None where it is not one that can be counted: `unknown`, an obfuscated name, or nonsense. Nobody
should read on to the left of None, since a client may have written everything there.
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# An element of `Forwarded` (RFC 7239, section 4): pairs of a name and a token or a quoted string. Tokens may hold
# colons and brackets here, as some proxies forget the quotes around them.
PAIR = r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)=([^\s",;\\]+|"(?:[^"\\]|\\.)*")"""
ELEMENT = re.compile(rf"\s*{PAIR}(?:\s*;\s*{PAIR})*\s*(?:;\s*)?", re.DOTALL)
PAIRS = re.compile(PAIR, re.DOTALL)
# The node of a hop (section 6): brackets around IPv6, a port or the obfuscated name of one after either.
NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::(?:[0-9]{1,5}|_[\w.-]+))?", re.ASCII)


def hops_of_x_forwarded_for(lines: Sequence[str]) -> Iterator[Address | None]:
    """The hops of all lines of `X-Forwarded-For`, from the right; empty elements are left out."""
    for element in reversed(",".join(lines).split(",")):
        if node := element.strip():
            yield address_of(node)


def hops_of_forwarded(lines: Sequence[str]) -> Iterator[Address | None]:
    """The hops of all lines of `Forwarded`, from the right; ends with None where an element cannot be read.

    An element is the shortest end of the text that reads as one. So a client's quotation mark that never closes cannot
    swallow what a proxy has added behind it.
    """
    text = ",".join(lines)
    while text := text.rstrip(" \t,"):
        start = len(text)
        while True:
            start = text.rfind(",", 0, start)
            if ELEMENT.fullmatch(text, start + 1):
                break
            if start < 0:
                yield None
                return
        yield for_of(text[start + 1 :])
        text = text[: max(start, 0)]


def for_of(element: str) -> Address | None:
    """Whom an element was written for; None where it says nobody, or two."""
    named = [value for name, value in PAIRS.findall(element) if name.lower() == "for"]
    if len(named) != 1:
        return None
    node = named[0]
    return address_of(re.sub(r"\\(.)", r"\1", node[1:-1]) if node.startswith('"') else node)


def address_of(node: str) -> Address | None:
    """The address of a node, with or without a port and brackets; None where there is none in it."""
    match = NODE.fullmatch(node)
    try:
        return unmapped(ipaddress.ip_address((match[1] or match[2]) if match else node))
    except ValueError:
        return None


def unmapped(address: Address) -> Address:
    """An IPv4 address that came as IPv6 (`::ffff:192.0.2.1`) as IPv4; others without the name of a link (`%eth0`)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
