"""Fences around data in a prompt: what stands inside cannot end its fence, open another or begin a turn of its own."""

import re

TAGS = "sources|source|conversation|turn|question|voice|sample"
# What stands for nothing that is seen may stand between `<`, `/` and the name, and a model reads past it.
UNSEEN = r"[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]*+"
# With these marks the chat templates of common models begin a turn; some servers read them in any text.
TURNS = r"[|｜][^|｜\s]{1,40}[|｜]>|/?(?:start_of_turn|end_of_turn|s)>|<SYS>>|</SYS>>"
FENCE_LIKE = re.compile(rf"<(?={UNSEEN}/?{UNSEEN}(?:{TAGS})\b|{TURNS})|\[(?=/?INST\])", re.IGNORECASE)


def fence(tag: str, text: str, **attributes: str | int) -> str:
    """`text` between `<tag …>` and `</tag>`, each on a line of its own."""
    written = "".join(f' {name}="{plain_name(str(value))}"' for name, value in attributes.items())
    return f"<{tag}{written}>\n{defuse(text)}\n</{tag}>"


def defuse(text: str) -> str:
    """Text in which nothing reads as one of our fences or as a turn: their first character becomes `‹`."""
    return FENCE_LIKE.sub("‹", text)


def plain_name(text: str) -> str:
    """A title or name on one line that cannot end an attribute, and in which no turn begins."""
    return " ".join(defuse(text).translate({ord('"'): "'", ord("<"): "‹", ord(">"): "›"}).split())
