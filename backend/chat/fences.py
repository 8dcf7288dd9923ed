"""Fences around data in a prompt: what stands inside cannot end its fence, open another or begin a turn of its own."""

import re

TAGS = ("sources", "source", "sample", "conversation", "turn", "question", "voice")
# What stands for nothing that is seen (Unicode's Default_Ignorable_Code_Point, DerivedCoreProperties.txt) may stand
# anywhere in a tag, and white space around its slash: a model reads past them.
IGNORED = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
UNSEEN = rf"[\s{IGNORED}]*+"
NAMES = "|".join(f"[{IGNORED}]*+".join(tag) for tag in TAGS)
# With these marks the chat templates of common models begin a turn; some servers read them in any text.
TURNS = r"[|｜](?:[^|｜\s]{1,40}|\s*+\w{1,40}_\w{1,40}\s*+)[|｜]>|/?(?:start_of_turn|end_of_turn|s)>|<SYS>>|</SYS>>"
FENCE_LIKE = re.compile(rf"<(?={UNSEEN}/?{UNSEEN}(?:{NAMES})(?![a-z0-9_])|{TURNS})|\[(?=/?INST\])", re.IGNORECASE)


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
