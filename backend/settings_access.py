"""The settings of who asks and from where: users of one's own, and sites that show the widget."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints
from pydantic_core import PydanticCustomError

from backend.settings_limits import BudgetSettings, WindowLimits
from backend.settings_section import Address, Section

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
Theme = Literal["auto", "light", "dark"]

OWN_PAGE = "own"  # the site that is meant where none is named

MIN_SECRET_BYTES = 32
LEAST_CHARACTERS = 8  # different ones; 16 random bytes in hexadecimal have 13 or so
OBVIOUS = re.compile(r"change.?me|password|example|secret|default|insecure|footnote|123456", re.IGNORECASE)
ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?:[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[1-9]\d{0,4}))?", re.ASCII
)
LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")


def is_weak(secret: str) -> bool:
    """Whether somebody may guess a secret: it is short, says few different things, or is one out of an example."""
    too_short = len(secret.encode()) < MIN_SECRET_BYTES
    return too_short or len(set(secret)) < LEAST_CHARACTERS or OBVIOUS.search(secret) is not None


def exact_origin(text: str) -> str:
    """An origin as browsers send it: scheme, host (punycode where it has other letters), and a port that is not the
    scheme's own."""
    found = ORIGIN.fullmatch(text)
    usual = {"http": "80", "https": "443"}
    if found is None or found["port"] == usual[found["scheme"]] or int(found["port"] or 1) not in range(1, 1 << 16):
        raise PydanticCustomError(
            "no_origin",
            "each origin is named exactly, as browsers send it, such as https://example.org: in small letters, "
            "without a path, a wildcard or the usual port",
        )
    return text


def safe_address(text: str) -> str:
    """The address of keys is worth nothing where somebody on the way could put in keys of their own."""
    parts = urlsplit(text)
    if parts.scheme == "https" and parts.hostname:
        return text
    if parts.scheme == "http" and parts.hostname in LOCAL_HOSTS:
        return text
    raise PydanticCustomError("no_safe_address", "it has to begin with https:// (http:// only on this machine)")


Origin = Annotated[str, AfterValidator(exact_origin)]
RetentionDays = Annotated[int, Field(ge=1, le=36_500)]  # a hundred years
SiteId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class UsersSettings(Section):
    issuer: str | None
    audience: str | None
    jwks_url: Annotated[Address, AfterValidator(safe_address)] | None
    algorithms: tuple[Algorithm, ...] = Field(min_length=1)
    secret: SecretStr | None = None

    def problem(self) -> str | None:
        """What is wrong with these together, as a sentence."""
        if self.issuer is None and self.audience is None and self.jwks_url is None and self.secret is None:
            return None
        if not self.issuer or not self.audience:
            return "`users.issuer` and `users.audience` say whose tokens are taken: set both."
        if (self.jwks_url is None) == (self.secret is None):
            return (
                "Users' tokens are checked with the keys of `users.jwks_url` or with FOOTNOTE_USERS__SECRET: set one "
                "of the two."
            )
        if self.secret is not None and is_weak(self.secret.get_secret_value()):
            return f"FOOTNOTE_USERS__SECRET can be guessed: use at least {MIN_SECRET_BYTES} random bytes."
        return None


class SiteSettings(Section):
    origins: tuple[Origin, ...] = ()
    creators: tuple[str, ...] = ()
    theme: Theme = "auto"
    limits: WindowLimits | None = None
    retention_days: RetentionDays | None = None
    budget: BudgetSettings | None = None
