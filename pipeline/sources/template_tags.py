"""The tags of site generators (Go, Hugo, Jekyll, Liquid) that Markdown files carry and no reader should see."""

import re

# Alternatives in the order in which they win where they begin at the same place; code is passed over, so that an
# article about templates keeps its examples.
_TAG_OR_CODE = re.compile(
    r"""
    (?P<code>
        ^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n (?:.*?\n)?? [ ]{0,3}(?P=fence)[`~]*[ \t]*$
      | ^(?:[ ]{4}|\t)(?![ \t]*\{[{%])[^\n]*$
      | (?P<ticks>(?<!`)`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)
    )
  | \{\{-?\s*(?:`(?P<raw>[^`]*)`|"(?P<quoted>(?:[^"\\\n]|\\.)*)")\s*-?\}\}
  | \{\{(?:(?!\{\{).){0,500}?\}\}
  | \{%(?:(?!\{%).){0,500}?%\}
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
# Printing something raw is how code gets past the generator, so these are resolved in code as well.
_RAW = re.compile(r"""(?P<code>(?!))|\{\{-?\s*raw\s+(?:`(?P<raw>[^`]*)`|"(?P<quoted>(?:[^"\\\n]|\\.)*)")\s*-?\}\}""")
_ESCAPED = re.compile(r"\\([\"\\])")


def strip_template_tags(text: str) -> str:
    """Takes the tags out of Markdown; a tag that only prints a literal (`{{raw ...}}`) becomes that literal."""
    if "{{" not in text and "{%" not in text:
        return text
    return _TAG_OR_CODE.sub(_replacement, _RAW.sub(_replacement, text))


def _replacement(match: re.Match[str]) -> str:
    if match["code"] is not None:
        return match["code"]
    if match["quoted"] is not None:
        return _ESCAPED.sub(r"\1", match["quoted"])
    return match["raw"] or ""
