"""Users of the site's own: whoever signs them in gives them a JWT, which is checked here."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import jwt

from backend.access.identity import Identity, Role
from backend.access.published_keys import PublishedKeys
from backend.errors import Unauthenticated
from backend.settings_access import UsersSettings

LONGEST_TOKEN = 8192
LONGEST_SUBJECT = 255
LEEWAY_S = 10  # clocks of two machines
ROLE_CLAIM, CREATORS_CLAIM = "footnote_role", "footnote_creators"
ROLES: Mapping[object, Role] = {"curator": "curator", "admin": "admin"}
REFUSAL = "These credentials are not valid here, or not any more: sign in again."


class Users:
    """Checks users' tokens against a secret or published keys, as `UsersSettings` says."""

    def __init__(self, settings: UsersSettings) -> None:
        self._settings = settings
        self._secret = settings.secret.get_secret_value().encode() if settings.secret else None
        self._published = PublishedKeys(settings.jwks_url) if settings.jwks_url else None

    async def check(self, token: str) -> Identity:
        """The user that a token names. Raises `Unauthenticated` for one that is not of our issuer, not for us, or not
        valid now, and `Unavailable` where the issuer's keys cannot be had."""
        if len(token) > LONGEST_TOKEN:
            raise Unauthenticated(REFUSAL)
        try:
            claims = jwt.decode(
                token,
                await self._key(token),
                algorithms=["HS256"] if self._secret else self._settings.algorithms,
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=LEEWAY_S,
                options={"require": ["iss", "aud", "exp", "sub"]},
            )
            return identity_from(claims)
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated(REFUSAL) from error

    async def close(self) -> None:
        """Closes the connection to the issuer."""
        if self._published is not None:
            await self._published.close()

    async def _key(self, token: str) -> bytes | jwt.PyJWK:
        if self._secret is not None:
            return self._secret
        if self._published is None:
            raise jwt.InvalidTokenError("no users are configured")
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in self._settings.algorithms:  # before anybody is asked for a key
            raise jwt.InvalidAlgorithmError
        return await self._published.find(header.get("kid"), algorithm)


def is_subject(subject: str) -> bool:
    """Whether it can be a user's id."""
    fits = 0 < len(subject) <= LONGEST_SUBJECT
    return fits and not any(unicodedata.category(each) in ("Cc", "Cs") for each in subject)


def identity_from(claims: Mapping[str, Any]) -> Identity:
    """The user whom verified claims describe; a role that is not known is a reader's. Raises `ValueError` for a `sub`
    that cannot be kept."""
    subject = claims["sub"]
    if not is_subject(subject):
        raise ValueError
    creators = claims.get(CREATORS_CLAIM)
    named = [each for each in creators if isinstance(each, str)] if isinstance(creators, list) else []
    role = claims.get(ROLE_CLAIM)
    return Identity(
        "user", f"user:{subject}", ROLES.get(role, "reader") if isinstance(role, str) else "reader", frozenset(named)
    )
