"""What a check has found, and how a check that fails itself becomes a finding."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from backend.errors import FootnoteError

State = Literal["ok", "note", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: `says` is what is so, `advice` what to do about it.

    Nothing in it is a secret, an address with credentials, or the text of somebody else's exception.
    """

    state: State
    about: str
    says: str
    advice: str = ""


async def within(about: str, seconds: float, check: Awaitable[Sequence[Finding]], advice: str = "") -> list[Finding]:
    """The findings of a check; where it fails or takes longer, that it did, with `advice`."""
    try:
        async with asyncio.timeout(seconds):
            return list(await check)
    except TimeoutError:
        return [Finding("broken", about, f"it gave no answer within {seconds:g} s.", advice)]
    except FootnoteError as error:
        return [Finding("broken", about, error.message, advice)]
    except Exception as error:  # noqa: BLE001  whatever is broken here must not keep the other checks from running
        return [Finding("broken", about, f"it cannot be used ({type(error).__name__}).", advice)]


def place_of(url: str) -> str:
    """Host, port and path of an address, without anybody's name, password or key."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that makes no sense"
    return f"{parts.hostname or ''}{port}{parts.path.rstrip('/')}" or "an address without a host"
