"""The citation contract in long answers with much code: none of it is damaged, and none of it costs much."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.chat import code_spans
from tests.backend.chat.test_markers import SOURCES, CitationFilter, code_of, fenced, paragraph, soup, whole

LOOKED_UP = "a = table[7] + other[99]"
ENDING = "\n\nSo it is [1][9]."
LONG = {
    "a fence": "```python\n" + f"{LOOKED_UP}\n" * 250 + "```",
    "a fence with short lines": "```\n" + "a[7]\n" * 600 + "```",
    "a fence whose first bracket comes late": "~~~\n" + "words of code\n" * 500 + "a[7]\n~~~",
    "a fence with windows line ends": "```\r\n" + "a[7]\r\n\r\n" * 500 + "```",
    "a fence in a list": "- so\n\n  ```\n" + "  a[7]\n\n" * 500 + "  ```\n- and so",
    "a fence at the end of a long list": "- an item [1]\n" * 400 + "  ```\n" + "  a[7]\n" * 300 + "  ```",
    "a fence in a quote": "> ```\n" + "> a[7]\n>\n" * 500 + "> ```",
    "a fence in which another one stands": "````\n" + "```\na[7]\n```\n" * 300 + "````",
    "an indented block": "So:\n\n" + "    a[7]\n" * 500,
    "inline code in one line": "Use " + " and ".join(["`a[7]` [1]"] * 500),
    "inline code in many lines": "Use\n" + "\n".join(["`a[7]` and ``b`[8]`` [1]"] * 300),
    "inline code in a list": "\n".join(["- Use `a[7]` here [1]."] * 400),
    "inline code in a table": "| a | b |\n| - | - |\n" + "| `a[7]` | b [1] |\n" * 300,
    "inline code and fences": "Use `a[7]` [1]:\n\n```\na[7]\n```\n\n" * 200,
}


@pytest.mark.parametrize("length", [1, 7, 400, 100_000])
@pytest.mark.parametrize("name", LONG)
def test_long_code_stays_as_it_is_in_any_split_and_text_keeps_the_contract(name: str, length: int) -> None:
    text = LONG[name] + ENDING
    citations = CitationFilter(SOURCES)
    pieces = [text[at : at + length] for at in range(0, len(text), length)]
    began = time.process_time()
    answer = "".join([*map(citations.feed, pieces), citations.finish()])
    assert time.process_time() - began < 2
    assert answer == text.replace("[9].", ".")


@settings(max_examples=200)
@given(blocks=st.lists(st.one_of(fenced, paragraph, paragraph.map(lambda text: f"- {text}")), max_size=5))
def test_marks_alone_tell_code_from_text_as_well(blocks: list[str]) -> None:
    text = "\n\n".join(blocks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_spans, "MOST_READ", -1)
        answer = whole(text)
    assert code_of(answer) == code_of(text)
    assert answer == whole(text)


@settings(max_examples=100, deadline=None)
@example(text="]]```[\\``2024]]``|[[[42``[99][[(http://a)", times=12, most=300, length=1)
@given(text=soup, times=st.integers(1, 60), most=st.sampled_from([0, 300, 30_000]), length=st.integers(1, 30))
def test_any_split_of_a_long_answer_gives_the_same_text(text: str, times: int, most: int, length: int) -> None:
    said = text * times
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_spans, "MOST_READ", most)
        patch.setattr(code_spans, "LONGEST_BLOCK", 400)
        citations = CitationFilter(SOURCES)
        pieces = [said[at : at + length] for at in range(0, len(said), length)]
        assert "".join([*map(citations.feed, pieces), citations.finish()]) == whole(said)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb [9]\r\n\r\n`x[9]`", "a\r\nb\r\n\r\n`x[9]`"),
        ("    [99]\r`x[9]`[9]", "    [99]\r`x[9]`"),
        ("```\n\rx[9]\n`````\r`x[9]` a [9]", "```\n\rx[9]\n`````\r`x[9]` a"),
        ("a\r#\r# `[9]\r[9] ~~~", "a\r#\r# `\r ~~~"),
    ],
)
def test_lines_may_end_in_any_way(text: str, expected: str) -> None:
    citations = CitationFilter(SOURCES)
    assert "".join([*map(citations.feed, text), citations.finish()]) == whole(text) == expected


def test_what_looks_like_a_fence_until_its_line_ends_may_be_inline_code() -> None:
    text = "```x[9]``` it [9].\n"
    citations = CitationFilter(SOURCES)
    assert "".join([*map(citations.feed, text), citations.finish()]) == whole(text) == "```x[9]``` it.\n"


@pytest.mark.parametrize("odd", ["[", "[1", "[1](", "[a](", "![", "`[", "`[` ", "`` ` [ ", "<a`[ ", "[a](`x` ", "[1] "])
def test_odd_pieces_cost_little_however_long(odd: str) -> None:
    citations = CitationFilter(SOURCES)
    began = time.process_time()
    said = citations.feed(odd * (9000 // len(odd))) + citations.finish()
    assert time.process_time() - began < 1.5
    assert re.sub(r"[\d ]", "", said).startswith(odd[0])
