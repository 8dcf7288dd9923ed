"""Fetches what lies at web addresses, within limits of where, how much, how long and how often."""

import asyncio
import re
import ssl
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

import httpcore2
import httpx2

from backend.errors import ContentError
from pipeline.address import address
from pipeline.body import Body, too_large
from pipeline.public_network import Address, PublicBackend, Resolve, is_public, resolve
from pipeline.sources.parsed import NothingToRead

MAX_REDIRECTS = 5
AT_A_TIME = 4
AT_A_TIME_PER_SITE = 2
PAUSE_S = 1.0  # before the second attempt where a site does not say how long

_HEADERS = [("User-Agent", "Footnote/0.1"), ("Accept", "*/*"), ("Accept-Encoding", "gzip")]
_REDIRECTS = (301, 302, 303, 307, 308)
_READABLE = re.compile(
    r"text/.*|application/(?:(?:.+\+)?(?:xml|json)|pdf|zip|x-zip-compressed|gzip|x-gzip|srt|x-subrip|octet-stream"
    r"|vnd\.openxmlformats-officedocument\.wordprocessingml\.document)|binary/octet-stream|"
)
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,80}")


class Unreachable(ContentError):
    """It could not be had this time, for a reason that may pass."""

    retryable = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What an address may take: bytes (of the body as sent, and decoded), and seconds.

    `total_s` is for an address with all its redirects, without the waiting for its turn.
    """

    size: int = 64 * 2**20
    total_s: float = 30.0
    connect_s: float = 5.0
    silence_s: float = 10.0
    retry_after_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where the redirects led, and what the site says of the content: empty where it says nothing."""

    address: str
    media_type: str
    charset: str


@dataclass(slots=True)
class _Errand:
    """An address on its way to a file, with what is left of its limits."""

    path: Path
    size: int
    left_s: float

    def abandon(self) -> None:
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Redirect:
    location: str


@dataclass(frozen=True, slots=True)
class _Later:
    """The site asks to come back."""

    status: int
    wait_s: float


class Fetcher(AbstractAsyncContextManager["Fetcher"]):
    """Fetches over HTTP without cookies, credentials or proxies, a few addresses at a time.

    It stands on a pool of connections, and not on a client, so that there is no cookie jar, no environment and no
    following of redirects that would have to be switched off. Any port is allowed: what is public answers everybody.
    `resolve` and `is_allowed` are what tests with a server on loopback must change, and nothing else may.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        resolve: Resolve = resolve,
        is_allowed: Callable[[Address], bool] = is_public,
    ) -> None:
        self._limits = limits or Limits()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=2 * AT_A_TIME,
            keepalive_expiry=5.0,
            network_backend=PublicBackend(resolve, is_allowed),
        )
        self._turns = asyncio.Semaphore(AT_A_TIME)
        self._turns_at = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(AT_A_TIME_PER_SITE))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.aclose()

    async def fetch(self, wanted: str, path: Path) -> Fetched:
        """What lies at the address, written to the file `path`, which exists only if this succeeds.

        Redirects are followed, each checked as the first address was; one from https to http is refused, because the
        content would be anybody's who sits between. Raises `Unreachable` for what may pass, `NothingToRead` where it
        is of a kind that is not read, and `ContentError` for everything else: the message is the reason.
        """
        errand = _Errand(path, self._limits.size, self._limits.total_s)
        here = address(wanted)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                match await self._visit(here, errand):
                    case Fetched() as fetched:
                        return fetched
                    case _Redirect(location):
                        here = _redirected(here, location)
            raise ContentError(f"It leads on to other addresses more than {MAX_REDIRECTS} times.")
        except BaseException:
            errand.abandon()
            raise

    async def _visit(self, here: str, errand: _Errand) -> Fetched | _Redirect:
        """One address when its turn comes, and again if the site asks to come back soon."""
        async with self._turns_at[httpx2.URL(here).host], self._turns:
            answer = await self._ask(here, errand)
            if isinstance(answer, _Later) and answer.wait_s <= self._limits.retry_after_s:
                await asyncio.sleep(answer.wait_s)
                answer = await self._ask(here, errand)
            if isinstance(answer, _Later):
                raise Unreachable(f"The site asks to come back later ({answer.status}).")
            return answer

    async def _ask(self, here: str, errand: _Errand) -> Fetched | _Redirect | _Later:
        began = time.monotonic()
        limits = self._limits
        times = {"connect": limits.connect_s, "read": limits.silence_s, "write": limits.silence_s, "pool": None}
        try:
            async with (
                asyncio.timeout(errand.left_s),
                self._pool.stream("GET", here, headers=_HEADERS, extensions={"timeout": times}) as response,
            ):
                return await _receive(here, response, errand)
        except (TimeoutError, httpcore2.TimeoutException) as error:
            raise Unreachable("The site took too long to answer.") from error
        except httpcore2.ConnectError as error:
            if isinstance(error.__context__, ssl.SSLCertVerificationError):
                raise ContentError("The site cannot prove who it is: its certificate is not valid.") from error
            raise Unreachable("The site cannot be reached: check the address.") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError) as error:
            raise Unreachable("The site broke off its answer.") from error
        except OSError as error:  # the network's own are told above
            raise Unreachable("It could not be kept: is the disk full?") from error
        except (ValueError, OverflowError) as error:  # from the depths of the network, for names that it cannot take
            raise ContentError("The address cannot be asked for: check it.") from error
        finally:
            errand.left_s -= time.monotonic() - began


async def _receive(here: str, response: httpcore2.Response, errand: _Errand) -> Fetched | _Redirect | _Later:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    status = response.status
    if status in _REDIRECTS and "location" in headers:
        return _Redirect(headers["location"])
    if status in (429, 503):
        return _Later(status, _seconds_until(headers.get("retry-after", "")))
    if status not in (200, 203):
        raise _refusal(status)
    media_type, charset = _media_type(headers.get("content-type", ""))
    if not _READABLE.fullmatch(media_type):
        named = media_type if _MEDIA_TYPE.fullmatch(media_type) else "What lies there"
        raise NothingToRead(f"{named} is not a kind that is read.")
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > errand.size:
        raise too_large(errand.size)
    with Body(errand.path, headers.get("content-encoding", "").strip().lower(), errand.size) as body:
        async for part in response.aiter_stream():
            body.write(part)
        if not body.is_whole:
            raise Unreachable("The site broke off its answer.")
    return Fetched(here, media_type, charset)


def _redirected(here: str, location: str) -> str:
    """The address that `location` means. Raises `ContentError` where it must not be followed."""
    try:
        there = address(str(httpx2.URL(here).join(location)))
    except (httpx2.InvalidURL, ValueError) as error:
        raise ContentError("It leads on to something that is not a web address.") from error
    except ContentError as error:
        raise ContentError(f"It leads on to another address. {error.message}") from error
    if here.startswith("https:") and there.startswith("http:"):
        raise ContentError("It leads on from https to http, which anybody between could change: look where it leads.")
    return there


def _refusal(status: int) -> ContentError:
    match status:
        case 404 | 410:
            return ContentError(f"There is nothing at this address ({status}).")
        case 401 | 402 | 403 | 407 | 451:
            return ContentError(f"The site does not give it to everybody ({status}): save it as a file, if you may.")
        case _ if status in (408, 425) or status >= 500:
            return Unreachable(f"The site has a fault of its own ({status}).")
    return ContentError(f"The site gives nothing to read ({status}).")


def _seconds_until(retry_after: str) -> float:
    """What a `Retry-After` header means: seconds, or a date."""
    if not retry_after:
        return PAUSE_S
    if re.fullmatch(r"\d{1,9}", retry_after):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
        seconds: float = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - time.time()
    except (ValueError, OverflowError):
        return PAUSE_S
    return max(seconds, 0.0)


def _media_type(header: str) -> tuple[str, str]:
    """The type without its parameters, and the charset among these, both in lower case."""
    charset = _CHARSET.search(header)
    return header.partition(";")[0].strip().lower(), charset[1].lower() if charset else ""
