"""How a creator talks, as the catalogue has it: what `footnote profile` published of their file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class VoiceSample:
    """Some sentences that are typical of a creator, from one of their documents; they go when it goes."""

    document: UUID
    text: str


@dataclass(frozen=True, slots=True)
class VoiceProfile:
    """A voice in words, each part with the most telling first.

    `persona` is False where answers must not sound like the creator. `voice` is the tone in prose; `sentences` and
    `person` say how long sentences are and whom they speak of. `said_in` names documents of those phrases that were
    measured, and they go when these go; other phrases, `do` and `dont` are a curator's.
    """

    persona: bool = True
    voice: str = ""
    sentences: str = ""
    person: str = ""
    phrases: tuple[str, ...] = ()
    do: tuple[str, ...] = ()
    dont: tuple[str, ...] = ()
    samples: tuple[VoiceSample, ...] = ()
    said_in: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict)


def profile_from(row: Any) -> VoiceProfile | None:
    """The value of the column `creators.profile` as a profile; keys of another version are passed over."""
    return None if row is None else _adapter().validate_python(row)


def profile_row(profile: VoiceProfile) -> dict[str, Any]:
    """A profile as the value of the column."""
    row: dict[str, Any] = _adapter().dump_python(profile, mode="json")
    return row


@cache
def _adapter() -> TypeAdapter[VoiceProfile]:
    return TypeAdapter(VoiceProfile)
