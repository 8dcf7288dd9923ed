"""The keys with which an issuer signs its tokens, as it publishes them (RFC 7517), kept for a while."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Mapping

import httpx2
import jwt

from backend.errors import Unavailable

log = logging.getLogger(__name__)

FRESH_S = 300  # then they are asked for again: a key that was withdrawn is good for so long
STALE_S = 3600  # so long they are good while the issuer does not answer
PAUSE_S = 10  # between two looks for a key that is not there, whoever makes keys up
DEADLINE_S = 3
UNREADABLE = (ValueError, TypeError, RecursionError, jwt.PyJWTError)  # what comes of a document of an odd form
MAX_BYTES = 1 << 18
# What a key of RSA may be for that does not say it (RFC 7518, 3.1); a key of another kind tells by its curve.
RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")

PublishedSet = dict[str | None, Mapping[str, jwt.PyJWK]]


class PublishedKeys:
    """Knows the keys at one address. Safe for many callers on one event loop; the first asks for all."""

    def __init__(self, url: str) -> None:
        self._url = url
        # A redirect could lead to somebody else's keys.
        self._client = httpx2.AsyncClient(timeout=DEADLINE_S, follow_redirects=False)
        self._keys: PublishedSet = {}
        self._read_at = self._asked_at = -math.inf
        self._asking = asyncio.Lock()

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK:
        """The key of this name for this algorithm; without a name the only one there is.

        Raises `jwt.InvalidTokenError` where there is none, `Unavailable` where nobody can say.
        """
        if time.monotonic() - self._read_at > FRESH_S or self._named(kid) is None:
            await self._refresh(kid)
        key = self._named(kid)
        if key is not None and algorithm in key and time.monotonic() - self._read_at <= STALE_S:
            return key[algorithm]
        if time.monotonic() - self._read_at > STALE_S:
            raise Unavailable("Signing in cannot be checked at the moment; try again shortly.", retry_after=PAUSE_S)
        raise jwt.InvalidTokenError("no such key")

    async def close(self) -> None:
        """Closes the connection that is kept."""
        await self._client.aclose()

    def _named(self, kid: str | None) -> Mapping[str, jwt.PyJWK] | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    async def _refresh(self, kid: str | None) -> None:
        async with self._asking:
            is_fresh = time.monotonic() - self._read_at <= FRESH_S and self._named(kid) is not None
            if is_fresh or time.monotonic() - self._asked_at < PAUSE_S:
                return  # somebody else has just asked
            self._asked_at = time.monotonic()
            try:
                async with asyncio.timeout(DEADLINE_S):
                    self._keys = read_keys(await self._fetch())
                self._read_at = time.monotonic()
            except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, TimeoutError, *UNREADABLE):
                log.warning("the keys at users.jwks_url could not be read; those read before are used for an hour")

    async def _fetch(self) -> bytes:
        body = bytearray()
        async with self._client.stream("GET", self._url, headers={"Accept": "application/json"}) as response:
            if response.status_code != httpx2.codes.OK:
                raise ValueError
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise ValueError
        return bytes(body)


def read_keys(body: bytes) -> PublishedSet:
    """The keys for signatures in a JWK Set, by name and by algorithm. A secret that was published is not one.

    Raises one of `UNREADABLE` where it is anything else, or has no key that is of use.
    """
    document = json.loads(body)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError
    asymmetric = [
        key
        for key in listed
        if isinstance(key, dict)
        and key.get("kty") in ("RSA", "EC", "OKP")
        and key.get("use", "sig") == "sig"
        and isinstance(key.get("kid", ""), str)
        and isinstance(key.get("alg", ""), str)
    ]
    for_algorithms = [
        key | {"alg": algorithm}
        for key in asymmetric
        for algorithm in (RSA_ALGORITHMS if key["kty"] == "RSA" and not key.get("alg") else [key.get("alg")])
    ]
    found: dict[str | None, dict[str, jwt.PyJWK]] = {}
    for key in jwt.PyJWKSet.from_dict({"keys": for_algorithms}).keys:
        found.setdefault(key.key_id, {})[key.algorithm_name] = key
    return dict(found)
