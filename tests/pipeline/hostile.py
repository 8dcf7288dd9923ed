"""Text files that were made to harm whoever reads them, each with the reason that it is refused for.

Where that is None, there is something to read in it. `SLOW` ones take all the time that a document may have.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.pipeline.hostile_binary import DOCX, PDF, SLOW_BINARY, TOO_MUCH

FEW, MANY = 10_000, 100_000
CUE = "00:00:01.000 --> 00:00:02.000\n"
NO_TEXT = "no text in it"
DEEP = "nested"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file's name, what makes its content, and the reason for its refusal."""

    name: str
    make: Callable[[], str | bytes]
    reason: str | None

    @property
    def content(self) -> bytes:
        made = self.make()
        return made if isinstance(made, bytes) else made.encode()


def _yaml_bomb() -> str:
    lines = ["---", "a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, letter in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{letter}: &{letter} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join([*lines, "tags: *j", "date: *j", "title: *j", "---", "A room."])


def _page(content: str, head: str = "") -> str:
    return f"<html><head>{head}</head><body><article><h1>Rooms</h1><p>A small room rings.</p>{content}"


def _entities(root: str) -> str:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY a0 "ha">{entities}]>'


def _cues(count: int) -> str:
    times = (f"{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}" for n in range(count))
    return "WEBVTT\n\n" + "".join(f"{time}.000 --> {time}.900\nword {time}\n\n" for time in times)


def _captions(text: str) -> str:
    return f"WEBVTT\n\n{CUE}{text}"


MARKDOWN = {
    "quotations in quotations": (lambda: ">" * MANY + " A room.", NO_TEXT),
    "lists in lists": (lambda: "- " * MANY + "A room.", NO_TEXT),
    "lists by indentation": (lambda: "\n".join(f"{'  ' * depth}- room" for depth in range(1000)), None),
    "brackets": (lambda: "[" * FEW + "a" + "]" * FEW, None),
    "links that never end": (lambda: "[a](" * FEW, None),
    "pictures that never end": (lambda: "![" * FEW + "a", None),
    "stress that never ends": (lambda: "*a " * FEW + "**b " * FEW, None),
    "underscores": (lambda: "_a__" * FEW, None),
    "backticks": (lambda: "`a``" * MANY, None),
    "comments that never end": (lambda: "x <!--" * FEW, None),
    "a tag of a million letters": (lambda: "<" + "a" * 10 * MANY, None),
    "references": (lambda: "".join(f"[a{n}]: /x\n" for n in range(FEW)) + "[a1]" * FEW, None),
    "template tags": (lambda: "{{" * FEW + "\n{%" * FEW, NO_TEXT),
    "template strings": (lambda: "{{ " + '"\\a' * FEW, None),
    "footnotes that never end": (lambda: "[^" * MANY, NO_TEXT),
    "heading attributes": (lambda: "# " + "{#a " * MANY, NO_TEXT),
    "code of one line": (lambda: "```\n" + "x" * 20 * MANY + "\n```", None),
    "code of backticks": (lambda: "````" * MANY + "\n" + "`" * MANY, NO_TEXT),
    "aliases of aliases": (_yaml_bomb, "stands for something else"),
    "front matter in brackets": (lambda: f"---\ntitle: {'[' * MANY}\n---\nA room.", DEEP),
    "front matter by indentation": (lambda: "---\n" + "".join(f"{' ' * d}a:\n" for d in range(2000)) + "---\nA.", DEEP),
    "a number of all digits": (lambda: f"---\nduration_s: {'1' * MANY}\n---\nA room.", None),
    "a number to the base of 60": (lambda: f"---\nduration_s: 1{':59' * MANY}\n---\nA room.", None),
}
TEXT = {
    "one word": (lambda: "w" * 10 * MANY, None),
    "one sentence": (lambda: "word " * 5 * MANY, None),
    "blank lines": (lambda: ("\n" + " " * 50) * MANY + "A room.", None),
    "full stops": (lambda: "." * 20 * MANY, NO_TEXT),
    "zeros": (lambda: b"\0" * MANY, "not a text file"),
    "half a character": (lambda: b"\xff\xfea", "begins as UTF-16-LE and is not"),
}
CAPTIONS = {
    "voices that never begin": (lambda: _captions("<v " * 5 * MANY), None),
    "classes that never end": (lambda: _captions("<v." * MANY), None),
    "tags that never end": (lambda: _captions("<" * 10 * MANY), "says anything|no text"),
    "positions that never end": (lambda: _captions("{\\" * 5 * MANY), "says anything|no text"),
    "sounds that never end": (lambda: _captions("[" * 5 * MANY), "says anything|no text"),
    "names": (lambda: _captions(("a " * 24 + "\n") * (MANY // 20)), None),
    "arrows": (lambda: "WEBVTT\n\n" + "-->\n" * MANY, "None of its 100000 cues could be read"),
    "cues without text": (lambda: "WEBVTT\n\n" + CUE * FEW, "says anything"),
}
JSON = {
    "brackets": (lambda: "[" * MANY, "JSON"),
    "objects": (lambda: '{"a":' * MANY + "1" + "}" * MANY, "JSON"),
    "a number of all digits": (
        lambda: f'{{"segments": [{{"start": {"1" * MANY}, "end": 1e999, "text": "x"}}]}}',
        "JSON",
    ),
    "cut off": (lambda: '{"segments": [{"start": 1, "end": 2, "te', "JSON"),
}
HTML = {
    "elements in elements": (lambda: _page("<div>" * MANY + "A room."), DEEP),
    "bold in bold": (lambda: _page("<b>" * MANY + "A room."), DEEP),
    "lists in lists": (lambda: _page("<ul><li>x" * MANY), DEEP),
    "tables in tables": (lambda: _page("<table><tr><td>x" * (MANY // 5)), DEEP),
    "a cell over all columns": (lambda: _page('<table><tr><td colspan="1000000000">a<td rowspan="999999999">b'), None),
    "entities of entities": (lambda: _entities("html") + "<html><body><p>A room. &a11;</p></body></html>", None),
    "a file of ours": (
        lambda: '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><html><body><p>A room. &x;</p></body></html>',
        None,
    ),
    "statements in brackets": (
        lambda: _page("", f'<script type="application/ld+json">{"[" * MANY}</script>'),
        None,
    ),
    "scripts in scripts": (lambda: _page("<script>" * MANY), None),
    "comments that never end": (lambda: "<!-- { " * MANY, NO_TEXT),
    "ampersands": (lambda: _page("&#" * 5 * MANY), None),
    "cut off": (lambda: _page("<p>And it fills up. <a hre"), None),
}
SLOW = {
    "one word of 60 MB.txt": (lambda: "w" * 600 * MANY, TOO_MUCH),
    "a sentence of 60 MB.srt": (lambda: f"1\n{CUE}" + "word " * 120 * MANY, TOO_MUCH),
    "a million cues.vtt": (lambda: _cues(10 * MANY), TOO_MUCH),
    "a million paragraphs.txt": (lambda: "a.\n\n" * 10 * MANY, TOO_MUCH),
    "accents on accents.txt": (lambda: "a" + "\u0301\u0323" * 20 * MANY, TOO_MUCH),
    "a million elements.html": (lambda: _page("<p>A room.</p>" * 10 * MANY), TOO_MUCH),
}


def _named(suffix: str, cases: dict[str, tuple[Callable[[], str | bytes], str | None]]) -> list[Hostile]:
    return [Hostile(f"{name}{suffix}", make, reason) for name, (make, reason) in cases.items()]


QUICK_FILES = [
    *_named(".md", MARKDOWN),
    *_named(".txt", TEXT),
    *_named(".vtt", CAPTIONS),
    *_named(".json", JSON),
    *_named(".html", HTML),
    *_named(".pdf", PDF),
    *_named(".docx", DOCX),
]
SLOW_FILES = [*_named("", SLOW), *_named("", SLOW_BINARY)]
