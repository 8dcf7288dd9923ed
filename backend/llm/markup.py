"""A passage without its markup, and with its code apart. Pure."""

import re
from textwrap import dedent

FENCED = re.compile(r"^ {0,3}(```+|~~~+).*?(?:^ {0,3}\1[`~]*\s*$|\Z)", re.MULTILINE | re.DOTALL)
# Not "Map[K any]()", which is code.
LINK = re.compile(r"(?<!\w)!?\[([^\]]*)\]\((?:[^()\s]|\([^)]*\))+(?:\s+\"[^\"]*\")?\)")
EMPHASIS = re.compile(r"(\*{1,3}|(?<!\w)_{1,2})(?=\S)(.{1,300}?)(?<=\S)\1(?!\w)")
TAG = re.compile(r"</?[a-zA-Z][^>]{0,200}>")
CODE_MARK = "\ue001"
# What code shows stands in an answer up to so many lines.
MOST_LINES = 15


def without_code(text: str) -> tuple[str, dict[str, str]]:
    """The text with a mark, a paragraph by itself, for each fenced block; and the block for each mark, empty where it
    is long or not closed."""
    code: dict[str, str] = {}

    def marked(fenced: re.Match[str]) -> str:
        first, *lines = fenced[0].strip().split("\n")
        last = lines.pop().lstrip() if lines else ""
        mark = f"{CODE_MARK}{len(code)}"
        is_short = 0 < len(lines) <= MOST_LINES and last.startswith(fenced[1])
        code[mark] = "\n".join((first, dedent("\n".join(lines)), last)) if is_short else ""
        return f"\n\n{mark}\n\n"

    return (FENCED.sub(marked, text) if "```" in text or "~~~" in text else text), code


def without_tags(text: str) -> str:
    """The text without tags."""
    return TAG.sub(" ", text) if "<" in text else text


def plain(block: str) -> str:
    """Markdown's marks removed, inline code kept in its backticks."""
    text = LINK.sub(r"\1", block) if "](" in block else block
    for _ in range(2):
        text = EMPHASIS.sub(r"\2", text) if "*" in text or "_" in text else text
    return text.replace("\\[", "[").replace("\\]", "]")
