"""Web addresses, in the one form in which they are requested, compared and shown."""

import ipaddress
import re

import httpx2

from backend.errors import ContentError

MAX_LENGTH = 2000  # an index of the ledger holds them
MAX_PORT = 65535
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?")


def is_address(text: str) -> bool:
    """Whether somebody who writes this means a web address, and not a file."""
    return text.lower().startswith(("http://", "https://"))


def address(text: str) -> str:
    """The address in lower case where case means nothing, without fragment, default port and dot segments.

    Raises `ContentError` for what is no address on the web, or holds a name or password.
    """
    try:
        url = httpx2.URL(str(httpx2.URL(text)))  # a default port is only known once the scheme is in lower case
        host = url.raw_host.decode()
    except (httpx2.InvalidURL, ValueError) as error:
        raise ContentError("This is not a web address that can be read.") from error
    if url.scheme not in ("http", "https"):
        raise ContentError("Only addresses with http or https are read.")
    if url.userinfo or "@" in url.netloc.decode():
        raise ContentError("The address holds a name or password: content that needs one is not read.")
    if not (_NAME.fullmatch(host) or _is_ipv6(host)):
        raise ContentError("The address does not name a site.")
    if url.port is not None and not 0 < url.port <= MAX_PORT:
        raise ContentError(f"The address has a port that does not exist: they end at {MAX_PORT}.")
    found = f"{url.scheme}://{url.netloc.decode()}{url.raw_path.decode()}"
    if len(found) > MAX_LENGTH:
        raise ContentError(f"The address is longer than {MAX_LENGTH:,} characters.")
    return found


def site(found: str) -> str:
    """The host of a normalised address, by which two addresses are of one site; `www.` makes no difference."""
    return httpx2.URL(found).host.removesuffix(".").removeprefix("www.")


def _is_ipv6(host: str) -> bool:
    """An address of the protocol's version 6 without a zone, which only means something on this machine."""
    try:
        return ipaddress.IPv6Address(host).scope_id is None
    except ValueError:
        return False
