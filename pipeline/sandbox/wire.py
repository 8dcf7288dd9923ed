"""What parent and child say to each other: frames of a length and as many bytes, JSON inside.

JSON and not pickle: a child that a document has taken over can say what it likes, and still only gives data.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from pipeline.sandbox.limits import Limits

LENGTH = struct.Struct(">I")
LONGEST_TEXT = 2000  # characters that a child may say about an outcome
LONGEST_HEAD = 16_384  # bytes of a frame that holds no document
OUT_OF_MEMORY = 3  # a child's exit code

Outcome = Literal["done", "refused", "nothing", "stumbled"]
Read = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Start:
    """What a child is told on its command line. `parent` is the process to end with."""

    parent: int
    limits: Limits
    may_write: bool


@dataclass(frozen=True, slots=True)
class Head:
    """What became of a call; the result follows in a frame of its own where it is `done`.

    `text` is the reason where the content was `refused` or there was `nothing` in it; where the function `stumbled`
    over what nobody expected, the error's name and where it arose. A `worn` child has grown and is to be replaced.
    """

    outcome: Outcome
    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    worn: bool


START = TypeAdapter(Start)
HEAD = TypeAdapter(Head)


def frame(content: bytes) -> bytes:
    """The content with its length before it."""
    return LENGTH.pack(len(content)) + content


def receive(read: Read, most: int) -> bytes:
    """The content of the next frame; `read(n)` gives exactly n bytes. Raises `ValueError` for more than `most`."""
    (length,) = LENGTH.unpack(read(LENGTH.size))
    if length > most:
        raise ValueError(f"a frame of {length} bytes")
    return read(length)
