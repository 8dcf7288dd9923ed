"""Somebody who signs users in: keys of several kinds, tokens signed with them, and the keys published on loopback."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.pipeline.small_server import server

ISSUER, AUDIENCE = "https://login.example.org", "footnote-test"
KINDS = {
    "RS256": jwt.algorithms.RSAAlgorithm,
    "ES256": jwt.algorithms.ECAlgorithm,
    "EdDSA": jwt.algorithms.OKPAlgorithm,
}


class Issuer:
    """Signs with one key of each kind, named as its algorithm is. `published` may be changed, `asked` counts reads."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {
            "RS256": rsa.generate_private_key(65537, 2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }
        self.published: list[dict[str, Any]] = [self.public(name) for name in self.keys]
        self.asked = 0
        self.is_away = False
        self.jwks_url = ""

    def public(self, name: str) -> dict[str, Any]:
        """The public half of a key as it is published."""
        written: dict[str, Any] = json.loads(KINDS[name].to_jwk(self.keys[name].public_key()))
        return written | {"kid": name, "alg": name, "use": "sig"}

    def token(self, algorithm: str = "RS256", *, key: Any = None, headers: Any = None, **claims: Any) -> str:
        """A good token; `claims` change it, None takes one out."""
        now = int(time.time())
        good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ana", "exp": now + 600, "iat": now}
        changed = {name: value for name, value in (good | claims).items() if value is not None}
        name = {"kid": algorithm} if headers is None else headers
        return jwt.encode(changed, key or self.keys[algorithm], algorithm=algorithm, headers=name)

    def forged(self, key: bytes, header: dict[str, Any], **claims: Any) -> str:
        """A token whose header says anything, with an HMAC (SHA-256) of this key for a signature."""
        now = int(time.time())
        good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ana", "exp": now + 600}
        parts = (json.dumps(part).encode() for part in (header, good | claims))
        signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        signature = base64.urlsafe_b64encode(hmac.digest(key, signed, hashlib.sha256)).rstrip(b"=")
        return f"{signed.decode()}.{signature.decode()}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        """Publishes the keys."""

        async def respond(_head: str) -> tuple[int, str, str]:
            self.asked += 1
            if self.is_away:
                return 503, "text/plain", "away"
            return 200, "application/json", json.dumps({"keys": self.published})

        async with server(respond) as port:
            self.jwks_url = f"http://127.0.0.1:{port}/jwks.json"
            yield self
