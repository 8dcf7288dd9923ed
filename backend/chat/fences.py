"""Fences around data in a prompt: what stands inside cannot end its fence or open another."""

import re

TAGS = "sources|source|conversation|turn|question|voice"
FENCE_LIKE = re.compile(rf"<(?=\s*/?\s*(?:{TAGS})\b)", re.IGNORECASE)


def fence(tag: str, text: str, **attributes: str | int) -> str:
    """`text` between `<tag …>` and `</tag>`, each on a line of its own."""
    written = "".join(f' {name}="{plain_name(str(value))}"' for name, value in attributes.items())
    return f"<{tag}{written}>\n{defuse(text)}\n</{tag}>"


def defuse(text: str) -> str:
    """Text in which nothing reads as one of our fences: their `<` becomes `‹`."""
    return FENCE_LIKE.sub("‹", text)


def plain_name(text: str) -> str:
    """A title or name on one line that cannot end an attribute."""
    return " ".join(text.translate({ord('"'): "'", ord("<"): "‹", ord(">"): "›"}).split())
