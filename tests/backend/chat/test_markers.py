"""The citation contract: which markers leave, what happens to everything else in brackets, and in any split."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.chat.claims import MARKDOWN, texts_of
from backend.chat.markers import CitationFilter

SOURCES = 6


def whole(text: str, sources: int = SOURCES) -> str:
    citations = CitationFilter(sources)
    return citations.feed(text) + citations.finish()


@pytest.mark.parametrize(
    "text",
    [
        "A [1]. B [2][6].",
        "No brackets, 3 < 4, a ~ b, (see below).",
        "values = array[0] and [x], [ ] and [todo]",
        "See [the page](https://example.org/a_(b)) now.",
        "Use `a[9]` and ``b`[9]`` here.",
        "```python\nx[99] = y[42]\n```\nDone [1].",
        "~~~\n[99]\n```\n[99]\n~~~\n",
        "It lies in [-10-20] or [10-20].",
        r"\[ x^2 \] and \[1\] and a \\ b",
        "``` x[9] ``` and\n~~~ x[9] ~~~",
        "1. a\n\n    ```py\n    x[99]\n    ```\n\n   b [1]",
        "- ```\n  x[99]\n  ```\n- b [1]",
        "> ```\n> x[99] = `\n> ```\n> b [1]",
        "Text.\n\n    x[99]\n\tx[98]\n",
        "A `` ` x[99] `` and `x[98]` b",
        "`a` b `c` [1] `d` [2]",
        "- a\n  - b\n\n| a | b |\n",
        "",
    ],
)
def test_what_is_right_stays_as_it_is(text: str) -> None:
    assert whole(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A [99].", "A."),
        ("A [0] b [7].", "A b."),
        ("A[99]. B[1]", "A. B[1]"),
        ("A [1,2]. B [2, 9; 3]", "A [1][2]. B [2][3]"),
        ("A [1-3].", "A [1][2][3]."),
        ("A [[2]] [^3] 【4】 ［5］ 【6†talk】", "A [2] [3] [4] [5] [6]"),
        ("A 【9†talk】.", "A."),
        ("In [2024] and [1999, 2001].", "In (2024) and (1999, 2001)."),
        ("A [1](https://evil.example/x) b [2](#a) c [9](http://x).", "A [1] b [2] c."),
        ("A [1](not a link)", "A [1](not a link)"),
        ("[[1], [9]]", "[[1],]"),
        ("Lone ` tick [99] here.\n\n`x[9]`", "Lone ` tick here.\n\n`x[9]`"),
        ("[9[50]9]", "[9(50)9]"),
        ("[01]", "[1]"),
        ("Twice [1, 1]", "Twice [1]"),
        (r"A \[1], \\[2] b\[99].", r"A [1], \\[2] b."),
        ("A [1](/a)(http://b) c", "A [1] c"),
        ("```x[9]``` it [9].\n\nThen [9].", "```x[9]``` it.\n\nThen."),
        ("> ```\n> x[9]\nAfter [9].", "> ```\n> x[9]\nAfter."),
        ("- a\n\n    b [9]", "- a\n\n    b"),
        (r"\`[9]\` and `x\`[9]", r"\`\` and `x\`"),
        ("`` a `x[9]` [9]", "`` a `x[9]`"),
        ("[9]```\nx", "```\nx"),
        ("```x[9]```[9]`", "```x[9]``` `"),
        ("`x[9]` [9][8](/a)`", "`x[9]` `"),
        ("\ue000\t[9] x", "\ue000 x"),
        ("A [٢], [٩٩] b 【３】", "A [2], b [3]"),
    ],
)
def test_markers_are_made_alike_and_those_without_a_source_removed(text: str, expected: str) -> None:
    assert whole(text) == expected


def test_nothing_is_cited_where_there_are_no_sources() -> None:
    assert whole("A [1]. B [2, 3].", sources=0) == "A. B."


@pytest.mark.parametrize("text", ["Plain words", "with a full stop.", "A claim [1]", "A claim [1][2]"])
def test_text_and_whole_markers_are_not_held_back(text: str) -> None:
    assert CitationFilter(SOURCES).feed(text) == text


def test_a_split_marker_is_held_back_and_nothing_before_it() -> None:
    citations = CitationFilter(SOURCES)
    assert [citations.feed(piece) for piece in ("A claim", " [", "1", "]", ".")] == ["A claim", "", "", " [1]", "."]


PIECES = (
    "[ ] [[ ]] 【 】 ［ ］ 1 2 9 0 42 2024 , - – ; ^ † ( ) (http://a) ` `` ``` ~~~ word . [1] [99] [1](/a) \\ > - 1. # "
    "* ** _ | ![a [t ](/b) <http://c/ &#91; \ue000".split()
)
soup = st.lists(st.sampled_from([*PIECES, " ", "\n", "\n\n", "    ", ", "]), max_size=24).map("".join)


@settings(max_examples=400)
@given(text=st.one_of(soup, st.text(max_size=40)), data=st.data())
def test_any_split_gives_the_same_text(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    pieced, lettered = CitationFilter(SOURCES), CitationFilter(SOURCES)
    assert "".join([*(pieced.feed(piece) for piece in pieces), pieced.finish()]) == whole(text)
    assert "".join([*(lettered.feed(letter) for letter in text), lettered.finish()]) == whole(text)


@settings(max_examples=200)
@given(text=soup, sources=st.integers(0, 9))
def test_no_marker_without_a_source_is_shown_whatever_code_and_links_are_around_it(text: str, sources: int) -> None:
    """What is shown is told by a Markdown parser, which sees the whole answer where the filter saw its beginning."""
    for shown in texts_of(whole(text, sources)):
        for match in re.finditer(r"\[(\d+)\]", shown):
            is_index = match[1] == "0" and shown[match.start() - 1 : match.start()].isalnum()
            assert is_index or 1 <= int(match[1]) <= sources


code = st.lists(st.sampled_from("x [ ] [9] [1,2] [[3]] 【9】 = ( ) \\ * > -".split()), min_size=1, max_size=8).map(
    "".join
)
fenced = st.builds(
    lambda fence, lines, indent: "\n".join(f"{indent}{line}" for line in [fence, *lines, fence.rstrip("py")]),
    st.sampled_from(["```", "```py", "~~~~"]),
    st.lists(code, max_size=3),
    st.sampled_from(["", "  ", "> "]),
)
paragraph = st.lists(
    st.one_of(st.sampled_from(["Word", "claim [1]", "wrong [99]", "both [1, 2]."]), code.map(lambda text: f"`{text}`")),
    min_size=1,
    max_size=6,
).map(" ".join)


@settings(max_examples=200)
@given(blocks=st.lists(st.one_of(fenced, paragraph, paragraph.map(lambda text: f"- {text}")), max_size=5))
def test_code_stays_as_it_is_and_text_is_what_it_was_without_its_markers(blocks: list[str]) -> None:
    text = "\n\n".join(blocks)
    answer = whole(text)
    assert code_of(answer) == code_of(text)
    assert re.findall(r"\w+", MARKER_LIKE.sub("", "\n".join(texts_of(answer)))) == re.findall(
        r"\w+", MARKER_LIKE.sub("", "\n".join(texts_of(text)))
    )


MARKER_LIKE = re.compile(r"[\[\ue000][\d, ]+\]")


def code_of(answer: str) -> list[str]:
    """The content of each block and each piece of code."""
    return [
        token.content
        for block in MARKDOWN.parse(answer)
        for token in (block, *(block.children or []))
        if token.type in ("fence", "code_block", "code_inline")
    ]


@settings(max_examples=400)
@given(text=soup.map(lambda text: re.sub(" {2,}", " ", re.sub("[`~]", "", text))), sources=st.integers(0, 9))
def test_no_marker_without_a_source_survives(text: str, sources: int) -> None:
    answer = whole(text, sources)
    for match in re.finditer(r"\[[ \t]*\^?(\d+)(?:[ \t]*[,;][ \t]*\^?\d+)*[ \t]*\]", answer):
        is_index = match[1] == "0" and answer[match.start() - 1 : match.start()].isalnum()
        assert is_index or (re.fullmatch(r"\[\d+\]", match[0]) and 1 <= int(match[1]) <= sources), match[0]
    assert not re.search(r"【\d+】|［\d+］", answer)


@settings(max_examples=200)
@given(text=st.text(st.characters(exclude_characters="[【［")))
def test_text_without_brackets_is_never_changed(text: str) -> None:
    assert whole(text) == text
