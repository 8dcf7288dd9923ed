"""Code is part of an answer where a sentence announces it."""

from backend.chat.markers import CitationFilter
from backend.llm.passage_sentences import read_passage
from backend.llm.tier import PromptSource
from tests.backend.llm.extracted import answer


def test_code_that_a_sentence_announces_is_read_with_it_if_it_is_short() -> None:
    long = "x\n" * 16
    sentences = read_passage(
        "Traps are made so:\n\n```python\n    trap = wool()\n      trap.fold()\n```\nThey are thick.\n\n"
        f"Many are made here:\n```\n{long}```\n\nOr they are bought:\n\n```\nbuy()"
    )
    assert [(sentence.text, sentence.code, sentence.usable) for sentence in sentences] == [
        ("Traps are made so:", "```python\ntrap = wool()\n  trap.fold()\n```", True),
        ("They are thick.", "", False),
    ]


async def test_what_code_shows_is_shown_below_the_sentence_that_announces_it() -> None:
    source = PromptSource(
        1,
        "Traps",
        "Ana Reyes",
        "Wool is warm. To fold a bass trap, call its method:\n\n```python\ntrap.fold(corners[1])\n```\n\n"
        "A bass trap can be folded once.",
    )
    text = await answer("How do I fold a bass trap?", source)
    assert text.startswith("To fold a bass trap, call its method: [1]\n\n```python\ntrap.fold(corners[1])\n```")
    filtered = CitationFilter(1)
    assert filtered.feed(text) + filtered.finish() == text
