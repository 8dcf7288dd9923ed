"""Anonymous visitors: a signed token says who came back. The server mints it, the client only keeps it."""

import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path
from uuid import UUID, uuid4

import jwt

from backend.access.identity import Identity
from backend.errors import ConfigurationError, Unauthenticated
from backend.settings import Settings
from backend.settings_access import MIN_SECRET_BYTES

ALGORITHM = "HS256"
AUDIENCE = "footnote-visitor"
LIFETIME_S = 180 * 24 * 3600
RENEWED_AFTER_S = 30 * 24 * 3600  # who comes once in five months stays the same visitor
LONGEST_TOKEN = 2048
DAY_S = 24 * 3600
REFUSAL = "The visitor token is not valid any more: leave it out to get a new one."


class Visitors:
    """Mints and checks visitors' tokens with one secret. A token holds for one site; "" is the service's own page."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def mint(self, visitor: str, site: str) -> str:
        """A token for this visitor of this site, valid for 180 days."""
        now = int(time.time())
        claims = {"sub": visitor, "aud": AUDIENCE, "site": site, "iat": now, "exp": now + LIFETIME_S}
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def check(self, token: str, site: str) -> Identity:
        """The visitor that a token names. Raises `Unauthenticated` for one that we did not mint for this site, or that
        has expired."""
        try:
            if len(token) > LONGEST_TOKEN:
                raise ValueError
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["sub", "exp", "iat", "aud"]},
            )
            if claims.get("site", "") != site:
                raise ValueError
            is_old = time.time() - claims["iat"] > RENEWED_AFTER_S
            return Identity("visitor", str(UUID(claims["sub"])), site=site, is_old=is_old)
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated(REFUSAL) from error

    def newcomer(self, idempotency_key: str | None, address: str, body_hash: str, site: str) -> str:
        """A new visitor. Repeats of one question that carry the same UUID as their key, from the same address, are one
        visitor of the site, so that a first question that is sent again attaches to its own run. Other keys may be
        guessed, and who guesses one must not become somebody else; nor may who finds one in an old log, so that it is
        only good for the day (UTC)."""
        if idempotency_key is None or not is_uuid(idempotency_key):
            return str(uuid4())
        material = f"newcomer\0{int(time.time()) // DAY_S}\0{site}\0{address}\0{idempotency_key}\0{body_hash}".encode()
        return str(UUID(bytes=hmac.digest(self._secret, material, hashlib.sha256)[:16], version=4))


def is_uuid(text: str) -> bool:
    """Whether a key was made to be unguessable."""
    try:
        return UUID(text).version in (4, 7)
    except ValueError:
        return False


def open_secret(settings: Settings) -> bytes:
    """The secret of the environment; the embedded default makes its own and keeps it in the data folder."""
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    return read_or_make_secret(settings.data_dir / "secret")


def read_or_make_secret(path: Path) -> bytes:
    """The secret in this file; the first of several processes makes it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    if not path.exists():
        try:
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_hex(32))
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError as error:
            raise ConfigurationError(f"The data folder {path.parent} cannot be written.") from error
        finally:
            draft.unlink(missing_ok=True)
    secret = path.read_bytes()
    if len(secret) < MIN_SECRET_BYTES:
        raise ConfigurationError(f"The secret in {path} is damaged: delete that file to get a new one.")
    return secret
