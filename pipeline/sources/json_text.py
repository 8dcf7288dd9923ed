"""JSON from outside, read without trust."""

import json

from backend.errors import ContentError
from pipeline.clean import clean_values


def read_json(text: str, name: str) -> object:
    """The value that `text` holds, with clean texts; `name` is how messages call it.

    Raises `ContentError` with the line that is wrong, also where it is nested too deeply.
    """
    try:
        return clean_values(json.loads(text))
    except json.JSONDecodeError as error:
        raise ContentError(f"{name} is not valid JSON (line {error.lineno}): was it cut off?") from error
    except (RecursionError, ValueError) as error:  # a number of thousands of digits is the other ValueError
        raise ContentError(
            f"{name} is JSON that nobody writes: too deeply nested, or with an absurd number."
        ) from error


def number(value: object) -> float:
    """The value as a number, NaN where it is none: what uses it as a time finds it malformed."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
        return float(value)
    return float("nan")
