"""`footnote token`: a user's token, as one's own sign-in would make it, to try things with."""

import time

import jwt
import typer

from backend import settings as configuration
from backend.access.identity import Role
from backend.access.users import CREATORS_CLAIM, LONGEST_SUBJECT, ROLE_CLAIM, is_subject
from backend.errors import ConfigurationError, ContentError


def run(subject: str, role: Role, creators: list[str], hours: float) -> None:
    """Prints a token that is good for so many hours. Raises `ConfigurationError` where tokens are not signed with a
    secret: only the issuer can make them then, and `ContentError` for a user's id that the service would refuse."""
    if not is_subject(subject):
        raise ContentError(f"A user's id has 1 to {LONGEST_SUBJECT} characters, without control characters.")
    users = configuration.load().users
    if users.secret is None:
        raise ConfigurationError(
            "A token is signed with FOOTNOTE_USERS__SECRET, which is not set (see `users` in config.yaml). Where "
            "`users.jwks_url` is set, your sign-in makes the tokens."
        )
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": users.issuer, "aud": users.audience, "sub": subject, "iat": now, "exp": now + round(hours * 3600),
        ROLE_CLAIM: role,
    }  # fmt: skip
    if creators:
        claims[CREATORS_CLAIM] = creators
    typer.echo(jwt.encode(claims, users.secret.get_secret_value(), algorithm="HS256"))
