"""Which functions a child runs when it is asked to, and how what they take and give travels."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter

# `module:function`. Each has annotations that pydantic can read and write as JSON, and depends on its arguments only.
READERS = frozenset(
    {
        "pipeline.sandbox.reading:cut_document",
        "pipeline.sandbox.limits:can_reach_network",
        "pipeline.expand.feed:parse_feed",
        "pipeline.expand.sitemap:parse_sitemap",
    }
)
WRITERS = frozenset({"pipeline.expand.archive:extract"})  # these get a child of their own, and may write files

_CONFIG = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function's arguments, as a tuple, and its result, as a tuple of one, become JSON and come back."""

    arguments: TypeAdapter[tuple[Any, ...]]
    result: TypeAdapter[tuple[Any]]


def name_of(function: Callable[..., Any]) -> str:
    """The name under which a child knows the function. Raises `ValueError` for one that no child may run."""
    name = f"{function.__module__}:{function.__qualname__}"
    if name not in READERS | WRITERS:
        raise ValueError(f"{name} is not in pipeline.sandbox.functions")
    return name


def function_of(name: str) -> Callable[..., Any]:
    """The function of that name. Raises `ValueError` for one that no child may run."""
    if name not in READERS | WRITERS:
        raise ValueError(f"{name} is not in pipeline.sandbox.functions")
    module, _, attribute = name.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), attribute)
    return function


@cache
def signature_of(function: Callable[..., Any]) -> Signature:
    """How it travels, by its annotations."""
    hints = get_type_hints(function)
    result = hints.pop("return")
    arguments, one = _tuple_of(*hints.values()), _tuple_of(result)
    return Signature(TypeAdapter(arguments, config=_CONFIG), TypeAdapter(one, config=_CONFIG))


def _tuple_of(*types: Any) -> Any:
    """A tuple type: the settings above reach the parts of a tuple, but a dataclass alone refuses them."""
    return tuple.__class_getitem__(types)
