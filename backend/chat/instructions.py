"""Prompts are text files beside this module, reviewed as prose."""

from functools import cache
from pathlib import Path
from typing import Literal


@cache
def instructions(name: Literal["answer", "follow_up", "rewrite", "voice"]) -> str:
    """The text of `prompts/<name>.md`."""
    return (Path(__file__).parent / "prompts" / f"{name}.md").read_text(encoding="utf-8").strip()
