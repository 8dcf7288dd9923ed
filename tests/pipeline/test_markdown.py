"""Markdown becomes what a reader reads."""

from datetime import date

import pytest

from backend.errors import ContentError
from pipeline.sources import markdown
from pipeline.sources.decode import decode
from pipeline.sources.parsed import NothingToRead
from tests.pipeline.shared import DATA, needs_data


def texts(source: str) -> list[str]:
    return [block.text for section in markdown.parse(source).sections for block in section.blocks]


def test_front_matter_is_read_and_not_shown() -> None:
    document = markdown.parse(
        "---\ntitle: On rooms\ndate: 2025-03-01\nby:\n- Ana\n- Dex\ntags: [rooms, 'mixing']\nkind: article\n"
        "url: https://a.example/rooms\nlayout: post\n---\n\nListen.\n"
    )
    assert document.metadata.title == "On rooms"
    assert document.metadata.published_at == date(2025, 3, 1)
    assert document.metadata.authors == ("Ana", "Dex")
    assert document.metadata.topics == ("rooms", "mixing")
    assert document.metadata.url == "https://a.example/rooms"
    assert [block.text for block in document.sections[0].blocks] == ["Listen."]


def test_front_matter_of_recordings_says_whose_they_are_who_speaks_and_where_they_are() -> None:
    source = "---\ncreator: Ana Leith\nspeakers: [Bo Kern]\npodcast: {}\nmedia: https://a.example/7.mp3\n---\ntext\n"
    metadata = markdown.parse(source.format("https://a.example/7")).metadata
    assert (metadata.creator, metadata.authors, metadata.url) == ("Ana Leith", ("Bo Kern",), "https://a.example/7")
    named = markdown.parse(source.format("Small Rooms"))
    assert (named.metadata.url, named.remarks) == ("https://a.example/7.mp3", ())


def test_values_that_make_no_sense_are_left_out_with_a_remark() -> None:
    document = markdown.parse("---\ndate: soon\nkind: movie\nurl: rooms.html\nduration_s: long\n---\n\nListen.\n")
    assert document.metadata.published_at is None
    assert document.metadata.kind is None
    assert document.metadata.url is None
    assert len(document.remarks) == 4


@pytest.mark.parametrize("written", ["2024-4-09", "2024/04/09", "'2024-04-09T10:00:00Z'", "2024-04-09 10:00:00"])
def test_dates_are_read_as_people_write_them(written: str) -> None:
    assert markdown.parse(f"---\ndate: {written}\n---\ntext\n").metadata.published_at == date(2024, 4, 9)


def test_a_day_that_does_not_exist_is_left_out_and_a_title_may_be_a_day() -> None:
    document = markdown.parse("---\ndate: 2024-06-31\ntitle: 2024-01-01\n---\ntext\n")
    assert document.metadata.published_at is None
    assert document.metadata.title == "2024-01-01"
    assert len(document.remarks) == 1


def test_broken_front_matter_names_its_line() -> None:
    with pytest.raises(ContentError, match=r"front matter is not valid YAML \(line \d\)"):
        markdown.parse("---\ntitle: a: b\n---\n\ntext\n")


def test_a_dashed_line_without_a_second_is_no_front_matter() -> None:
    assert texts("---\n\nJust text\n") == ["Just text"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("---\n\nHello\n\n---\n\nmore\n", ["Hello", "more"]),
        ("---\n\nnote: listen\n\n---\n\nmore\n", ["note: listen", "more"]),
        ("---\nNote: this is prose\n\n---\nmore\n", ["Note: this is prose", "more"]),
        ("---\n*Hello* there: you\n\n---\nmore\n", ["Hello there: you", "more"]),
        ("---\n- one\n- two\n\n---\nmore\n", ["- one", "- two", "more"]),
    ],
)
def test_prose_between_two_rules_is_text(source: str, expected: list[str]) -> None:
    assert texts(source) == expected


@pytest.mark.parametrize(
    "matter",
    [
        "title: Rooms\n...",
        "Title: Rooms\nLayout: Post\n---",
        "# a draft\nlayout: post\n'title' : Rooms\n----",
        "{title: Rooms}\n---",
    ],
)
def test_front_matter_is_known_by_its_names_and_ends_with_dashes_or_points(matter: str) -> None:
    document = markdown.parse(f"---\n{matter}\nListen.\n")
    assert document.metadata.title == "Rooms"
    assert [block.text for section in document.sections for block in section.blocks] == ["Listen."]


def test_headings_in_quotations_and_lists_are_text_and_nothing_stands_under_them() -> None:
    document = markdown.parse(
        "## Setup\n\nOpen it.\n\n> # Warning {#hot}\n> hot\n\n- ### One\n\n  two\n\nNow plug it in.\n\n"
        "## Use\n\nTurn it.\n"
    )
    assert [(section.headings, [block.text for block in section.blocks]) for section in document.sections] == [
        (("Setup",), ["Open it.", "Warning", "hot", "- One", "two", "Now plug it in."]),
        (("Use",), ["Turn it."]),
    ]
    assert markdown.parse("> # Warning\n\ntext\n").title is None


def test_a_redirect_is_nothing_to_read() -> None:
    with pytest.raises(NothingToRead, match="It only points to another page"):
        markdown.parse("---\nredirect: /blog/new\n---\n")


@pytest.mark.parametrize("mark", ["draft: true", "draft: Yes", "published: false"])
def test_a_draft_is_nothing_to_read(mark: str) -> None:
    with pytest.raises(NothingToRead, match="It is marked as a draft"):
        markdown.parse(f"---\ntitle: New album\n{mark}\n---\nIt is called Heron.\n")
    assert texts("---\ndraft: false\npublished: 2024-05-01\n---\nIt is called Heron.\n") == ["It is called Heron."]


def test_front_matter_in_toml_is_read_as_well() -> None:
    document = markdown.parse(
        '+++\ntitle = "Why bees swarm"\ndate = 2024-05-01T10:00:00Z\nurl = "https://a.example/bees"\n'
        'tags = ["bees"]\nduration_s = 12.5\ndraft = false\n[params]\nmath = true\n+++\n\nThey swarm.\n'
    )
    metadata = document.metadata
    assert (metadata.title, metadata.published_at, metadata.url) == (
        "Why bees swarm", date(2024, 5, 1), "https://a.example/bees",
    )  # fmt: skip
    assert (metadata.topics, metadata.duration_s, document.remarks) == (("bees",), 12.5, ())
    assert [block.text for block in document.sections[0].blocks] == ["They swarm."]
    with pytest.raises(NothingToRead):
        markdown.parse("+++\ndraft = true\n+++\nThey swarm.\n")
    for broken in ("title = bees", f"a = 0x{'f' * 9000}", f"a = {'[' * 5000}"):
        with pytest.raises(ContentError, match="front matter is not valid TOML"):
            markdown.parse(f"+++\n{broken}\n+++\nThey swarm.\n")
    assert texts("+++ is an operator\n\nof some languages\n") == ["+++ is an operator", "of some languages"]


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("# How I brew\n\n# Grinding\n\nfine\n\n# Pouring\n\nslowly\n", "How I brew"),
        ("### Lesson 4\n\n# How I brew\n\nwith care\n", "How I brew"),
        ("intro\n\n## Grinding\n\nfine\n\n# Pouring\n\nslowly\n", "Grinding"),
    ],
)
def test_the_title_is_the_first_heading_also_where_nothing_stands_under_it(body: str, title: str) -> None:
    assert markdown.parse(body).title == title


def test_headings_become_paths_and_a_repeated_title_is_not_part_of_them() -> None:
    document = markdown.parse("# Rooms\n\nintro\n\n## Small {#small}\n\na\n\n### Very small\n\nb\n\n## Large\n\nc\n")
    assert document.title == "Rooms"
    assert [section.headings for section in document.sections] == [(), ("Small",), ("Small", "Very small"), ("Large",)]


def test_an_outer_heading_that_says_no_more_than_the_title_goes() -> None:
    document = markdown.parse("---\ntitle: 'Rooms: a guide'\n---\n# Rooms\n\n## Small\n\na\n")
    assert [section.headings for section in document.sections] == [("Small",)]


@pytest.mark.parametrize("body", ["## Small rooms\n\na\n", "intro\n\n## Rooms\n\na\n"])
def test_a_heading_that_is_no_title_stays(body: str) -> None:
    assert markdown.parse(f"---\ntitle: Rooms\n---\n{body}").sections[-1].headings


def test_an_outer_heading_that_says_more_than_the_title_stays() -> None:
    document = markdown.parse("---\ntitle: Notes\n---\n# Rooms\n\n## Small\n\na\n")
    assert [section.headings for section in document.sections] == [("Rooms", "Small")]


def test_markup_is_gone_and_words_stay() -> None:
    assert texts(
        "A *very* **loud** [room](https://x.example) with `gain`,[^1]\nsee ![a photo](a.png) <b>here</b>.\n"
    ) == ["A very loud room with gain, see here."]


def test_code_keeps_its_fences_language_and_indentation() -> None:
    assert texts("Text:\n\n```go\nfunc f() {\n\treturn\n}\n```\n\n    indented\n      more\n") == [
        "Text:",
        "```go\nfunc f() {\n\treturn\n}\n```",
        "```\nindented\n  more\n```",
    ]


def test_lists_keep_their_marks_and_depth() -> None:
    assert texts("1. one\n   - deep *down*\n2. two\n\n   still two\n") == [
        "1. one",
        "  - deep down",
        "2. two",
        "still two",
    ]


def test_table_rows_make_sense_alone() -> None:
    assert texts("| | Ballad | Pop |\n|---|---|---|\n| Decay | 2 s | 1 s |\n") == ["Decay – Ballad: 2 s; Pop: 1 s"]


def test_html_between_markdown_leaves_its_text_only() -> None:
    assert texts(
        "<style>\np { color: red }\n</style>\n\n<div class='x'><p>One &amp; two</p><img src=a.png></div>\n\n"
        "<pre>\na  b\n</pre>\n\n"
        "<table><tr><th>Key</th><th>Value</th></tr><tr><td>Decay</td><td>2 s</td></tr></table>\n\n"
        "<script>alert(1)</script>\n\nEnd<br>here\n"
    ) == ["One & two", "```\na  b\n```", "Decay – Value: 2 s", "End\nhere"]


def test_template_tags_are_gone_but_not_from_code() -> None:
    assert texts(
        '{{image "a.png" 600}}\n\nUse {{"<"}} or {{raw "`a<<b`"}}. {% include x %}\n\n```\n{{ .Title }}\n```\n'
    ) == [
        "Use < or a<<b.",
        "```\n{{ .Title }}\n```",
    ]
    assert texts("Write `{{ .Title }}` there.\n") == ["Write {{ .Title }} there."]


def test_what_a_raw_tag_holds_is_read_as_it_was_meant() -> None:
    assert texts("Code:\n\n{{raw `\n\tch <- 1\n\n\tdone()\n`}}\n\nafter\n") == [
        "Code:",
        "```\nch <- 1\n\ndone()\n```",
        "after",
    ]


@needs_data
def test_a_real_article_reads_without_debris() -> None:
    text, _ = decode((DATA / "creators/go-blog/constants.md").read_bytes())
    document = markdown.parse(text)
    assert document.metadata.title == "Constants"
    assert document.metadata.authors == ("Rob Pike",)
    assert ("Background: C",) in [section.headings for section in document.sections]
    blocks = [block.text for section in document.sections for block in section.blocks]
    assert "```\nconst MaxUint32 = 1<<32 - 1\n```" in blocks
    assert not any("{{" in block or "](" in block for block in blocks)
