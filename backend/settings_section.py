"""What every part of the settings is made of."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr
from pydantic_core import PydanticCustomError


def sendable(key: SecretStr) -> SecretStr:
    """The key, which goes into a header: nothing but visible ASCII characters may stand there."""
    if not re.fullmatch("[!-~]*", key.get_secret_value()):
        raise PydanticCustomError(
            "key_not_sendable", "it holds a space, a line end or a letter that no key has, so copy the key once more"
        )
    return key


ApiKey = Annotated[SecretStr, AfterValidator(sendable)]


def reachable(address: str) -> str:
    """The address, whose host and port can be told; what is wrong is said without it, as it may hold a password."""
    scheme, _, rest = address.partition("://")
    if scheme.startswith("postgresql"):  # its driver takes a password as it is, which in others has to be quoted
        rest = rest.rpartition("@")[2]
    try:
        parts = urlsplit(f"{scheme}://{rest}" if rest else address)
        port = parts.port
    except ValueError as error:
        raise PydanticCustomError(
            "address",
            "its host or port makes no sense: a port is a number up to 65535, an IPv6 host stands in [ ], and # / ? in "
            "a password are written %23 %2F %3F",
        ) from error
    if port == 0 or (scheme in ("http", "https") and not parts.hostname):
        raise PydanticCustomError("address", "it names no host, or the port 0: write http://HOST:PORT")
    return address


Address = Annotated[str, AfterValidator(reachable)]


class Section(BaseModel):
    """A part of the settings: unknown keys and numbers without end are refused, values never change after start."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
