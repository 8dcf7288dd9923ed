"""A conversation as Markdown, for its owner to keep.

Titles, names and questions are text, and are written so that no renderer takes them for anything else. An answer is
Markdown by itself; in it nothing may fetch an image or run, wherever the file is opened.
"""

import re
from collections.abc import Sequence
from typing import Any

from backend.conversations.models import Conversation, Feedback, Message

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
# What opens HTML, an image, a link to something else than the web, or a definition (a marker before a colon looks like
# one); escaped ones open nothing. Code is not told apart and is shown with a backslash too many: whoever took text for
# code by mistake would leave an opening.
ALIVE = re.compile(r"(?<!\\)((?:\\\\)*)(<(?=[A-Za-z/!?])|!(?=\[)|(?<=\])\((?!https?://)|(?<=\]):)")
LINE_START = re.compile(r"^(\s*\d+(?=[.)])|\s*(?=[-+=]))", re.MULTILINE)


def heading(conversation: Conversation) -> str:
    """What the file begins with."""
    about = f"With {plain(conversation.creator)}, begun" if conversation.creator else "Begun"
    return f"# {plain(conversation.title)}\n\n{about} {conversation.created_at:%Y-%m-%d %H:%M} UTC.\n"


def passage(message: Message, sources: Sequence[dict[str, Any]]) -> str:
    """One message; `sources` as they may be shown now: one that was removed has its number and nothing else."""
    if message.role == "user":
        quoted = "\n".join(f"> {line}".rstrip() for line in plain(message.content).splitlines())
        return f"\n## Question {(message.seq + 1) // 2}\n\n{quoted}\n"
    said = harmless(message.content) or "*There is no answer.*"
    ended = "" if message.status == "complete" else "\n\n*The answer ends here before its end.*"
    listed = "".join(map(source_line, sources))
    told = [f"{said}{ended if message.content else ''}\n"]
    told += [f"Sources:\n\n{listed}"] if listed else []
    told += [f"{opinion(message.feedback)}\n"] if message.feedback else []
    return "".join(f"\n{part}" for part in told)


def opinion(feedback: Feedback) -> str:
    """What the reader thought of an answer."""
    rated = "*You found this helpful.*" if feedback.rating == "up" else "*You did not find this helpful.*"
    quoted = "\n".join(f"> {line}".rstrip() for line in plain(feedback.comment or "").splitlines())
    return f"{rated}\n\n{quoted}" if quoted else rated


def source_line(source: dict[str, Any]) -> str:
    """A source with its number, and where it opens."""
    if source.get("removed"):
        return f"{source['index']}. *Removed by its creator.*\n"
    about = f"{plain(source['title'])}, {plain(source['creator']['name'])}"
    place = f": <{source['url']}>" if source["url"] and not re.search(r"[\s<>]", source["url"]) else ""
    quoted = f"\n   > {plain(source['snippet'])}" if source["snippet"] else ""
    return f"{source['index']}. {about}{place}{quoted}\n"


def plain(text: str) -> str:
    """Text that reads the same as Markdown."""
    return LINE_START.sub(r"\1\\", SPECIAL.sub(r"\\\1", text))


def harmless(markdown: str) -> str:
    """Markdown in which HTML and images are text, and links lead to the web alone."""
    return ALIVE.sub(r"\1\\\2", markdown)
