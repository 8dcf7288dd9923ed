"""Podcasts written down as Markdown become speakers' turns with the moments that are marked in them."""

import pytest

from pipeline.sources import markdown
from pipeline.sources.parsed import ParsedDocument
from tests.pipeline.shared import DATA, needs_data

Said = tuple[str | None, str, float | None, float | None]


def said(document: ParsedDocument) -> list[Said]:
    """Speaker, text, begin and end of each block."""
    return [
        (section.speaker, block.text, block.start_s, block.end_s)
        for section in document.sections
        for block in section.blocks
    ]


def spoken(source: str) -> list[tuple[str | None, str]]:
    """Speaker and running text of each turn."""
    return [
        (section.speaker, "".join(block.before + block.text for block in section.blocks).strip())
        for section in markdown.parse(source).sections
    ]


def test_a_bold_name_begins_a_turn_and_does_not_stay_in_the_text() -> None:
    document = markdown.parse(
        "**Ana Leith:** Is the room *dry*?\n\nOr [dead](https://a.org)?\n\n**Bo Kern:** Dead.\n\n**Ana Leith:** Oh.\n"
    )
    assert said(document) == [
        ("Ana Leith", "Is the room dry?", None, None),
        ("Ana Leith", "Or dead?", None, None),
        ("Bo Kern", "Dead.", None, None),
        ("Ana Leith", "Oh.", None, None),
    ]
    assert all(section.is_turn for section in document.sections)
    assert len(document.sections) == 3
    assert document.default_kind == "audio"


def test_marked_times_hold_from_one_mark_to_the_next_and_are_not_made_up() -> None:
    document = markdown.parse(
        "**Ana Leith:** Welcome.\n\n**Bo Kern:** \\[00:42\\] Thanks.\n\n[01:10] And then\n\n"
        "**Ana Leith:** Go on.\n\n**Bo Kern:** \\[1:02:03.29\\] The end.\n"
    )
    assert said(document) == [
        ("Ana Leith", "Welcome.", None, None),
        ("Bo Kern", "Thanks.", 42.0, 70.0),
        ("Bo Kern", "And then", 70.0, 3723.0),
        ("Ana Leith", "Go on.", 70.0, 3723.0),
        ("Bo Kern", "The end.", 3723.0, None),
    ]


@pytest.mark.parametrize(
    "turn",
    [
        "**{who}:** [{at}] {text}",
        "**[{at}] {who}:** {text}",
        "**{who}** [0:{at}]: {text}",
        "**{who}** ({at}) {text}",
        "**{who} ({at}):** {text}",
        "**{who} – {at}** {text}",
        "({at}) **{who}:** {text}",
        "{at} - **{who}**: {text}",
    ],
)
def test_times_are_read_wherever_they_stand_at_the_name(turn: str) -> None:
    turns = [
        ("Otto", "00:12", "Good day."),
        ("Vera", "01:05", "Is it?"),
        ("Otto", "61:07", "It is."),
        ("Vera", "62:00", "Oh."),
    ]
    document = markdown.parse("\n\n".join(turn.format(who=who, at=at, text=text) for who, at, text in turns))
    assert said(document) == [
        ("Otto", "Good day.", 12.0, 65.0),
        ("Vera", "Is it?", 65.0, 3667.0),
        ("Otto", "It is.", 3667.0, 3720.0),
        ("Vera", "Oh.", 3720.0, None),
    ]


def test_what_names_nobody_in_a_transcript_is_read_as_it_is_written() -> None:
    document = markdown.parse(
        "**Otto:** [00:12] Good day.\n\n**Doors** 19:30 at the back.\n\n"
        "**Vera:** [01:05] Is it?\n\n**Otto:** [01:07] It is.\n"
    )
    assert [block.text for section in document.sections for block in section.blocks][1] == "Doors 19:30 at the back."


def test_times_of_day_and_ratios_beside_bold_words_make_no_transcript() -> None:
    document = markdown.parse(
        "**Doors** 19:30 at the back.\n\n**Concert** 20:00 in the hall.\n\nA ratio of **4:1** is gentle.\n\n"
        "**Tip 2:10** Mix them.\n"
    )
    assert (document.default_kind, document.sections[0].blocks[1].text) == ("article", "Concert 20:00 in the hall.")
    assert document.sections[0].blocks[3].text == "Tip 2:10 Mix them."


def test_a_time_within_a_paragraph_divides_it_without_a_break() -> None:
    document = markdown.parse(
        "**Ana Leith:** \\[00:10\\] One thing \\[00:20\\] after another.\n\n**Ana Leith:** Yes.\n"
    )
    first, second, _ = document.sections[0].blocks
    assert (first.text, first.start_s, first.end_s) == ("One thing", 10.0, 20.0)
    assert (second.before, second.text, second.start_s) == (" ", "after another.", 20.0)


def test_times_that_run_backwards_are_passed_over() -> None:
    document = markdown.parse(
        "**Ana Leith:** \\[00:10\\] a\n\n**Bo Kern:** \\[59:00\\] b\n\n**Ana Leith:** \\[00:30\\] c\n\n"
        "**Bo Kern:** \\[00:40\\] d\n"
    )
    assert [(text, start_s) for _, text, start_s, _ in said(document)] == [
        ("a", 10.0),
        ("b", 10.0),
        ("c", 30.0),
        ("d", 40.0),
    ]


def test_a_break_ends_a_turn_leaves_no_word_and_keeps_its_times() -> None:
    document = markdown.parse(
        "**Ana Leith:** \\[00:05\\] Before.\n\n**Break:** \\[01:00\\] to \\[01:30\\]\n\n**Ana Leith:** After.\n\n"
        "**Break**: \\[02:00\\]\n\n**Ana Leith:** Last.\n\n**Break:**\n\nWho says this?\n"
    )
    assert said(document) == [
        ("Ana Leith", "Before.", 5.0, 60.0),
        ("Ana Leith", "After.", 90.0, 120.0),
        ("Ana Leith", "Last.", 120.0, None),
        (None, "Who says this?", 120.0, None),
    ]
    assert len(document.sections) == 4


def test_laughter_is_left_out_and_what_nobody_understood_is_marked() -> None:
    source = (
        "**Ana Leith:** It was loud. \\[laughs\\] Really \\[unintelligible 00:12:01.10\\] loud.\n\n"
        "**Bo Kern:** \\[laughter\\]\n\n**Ana Leith:** The [RT60] was long.\n"
    )
    assert spoken(source) == [
        ("Ana Leith", "It was loud. Really … loud."),
        ("Ana Leith", "The [RT60] was long."),
    ]
    assert said(markdown.parse(source))[1][1:3] == ("… loud.", 721.0)


def test_lists_quotations_and_code_stay_in_the_turn() -> None:
    assert spoken(
        "**Ana Leith:**\n\nThree rules:\n\n- listen\n- **Note:** wait\n\n> Silence is a sound.\n\n```\nmix()\n```\n\n"
        "**Bo Kern:** Good.\n\n**Ana Leith:** Yes.\n\n**Bo Kern:** Bye.\n"
    )[0] == (
        "Ana Leith",
        "Three rules:\n\n- listen\n- Note: wait\n\nSilence is a sound.\n\n```\nmix()\n```",
    )


def test_a_name_that_begins_a_line_within_a_paragraph_begins_a_turn() -> None:
    assert spoken("**Ana Leith:** Ready?\n**Bo Kern:** Yes.\n\n**Ana Leith:** Go.\n\n**Bo Kern:** Now.\n") == [
        ("Ana Leith", "Ready?"),
        ("Bo Kern", "Yes."),
        ("Ana Leith", "Go."),
        ("Bo Kern", "Now."),
    ]


def test_bold_words_that_name_nobody_stay_in_the_turn() -> None:
    source = (
        "**Ana Leith:** One.\n\n**Note:** two.\n\n**Gain first**: three.\n\n**Bo Kern:** Four.\n\n**Ana Leith:** 5\n"
    )
    assert spoken(source)[0] == ("Ana Leith", "One.\n\nNote: two.\n\nGain first: three.")


def test_names_alone_in_a_paragraph_begin_turns() -> None:
    document = markdown.parse(
        "---\nspeakers:\n  - Bo Kern\n---\npodcast: https://a.example/7\n\nAna Leith:\n\nReady?\n\nKern (Bo Kern):\n\n"
        "Here is the thing:\n\nyes.\n\nAna Leith:\n\nGo.\n\nKern (Bo Kern):\n\nNow.\n"
    )
    assert document.metadata.url == "https://a.example/7"
    assert document.metadata.authors == ("Bo Kern",)
    assert [(section.speaker, section.blocks[0].text) for section in document.sections] == [
        ("Ana Leith", "Ready?"),
        ("Kern (Bo Kern)", "Here is the thing:"),
        ("Ana Leith", "Go."),
        ("Kern (Bo Kern)", "Now."),
    ]


def test_what_one_person_says_is_a_transcript_where_it_has_times() -> None:
    source = "**Ana Leith:** \\[00:01\\] One.\n\n\\[00:30\\] Two.\n\n\\[01:00\\] Three.\n"
    assert [start_s for _, _, start_s, _ in said(markdown.parse(source))] == [1.0, 30.0, 60.0]


@pytest.mark.parametrize(
    "source",
    [
        "A room.\n\n**Note:** it is dry.\n\nMore.\n\n**Note:** it is small.\n\n**Tip:** listen.\n",
        "## Plate\n\n**Upside:** short.\n\n**Downside:** thin.\n\n## Hall\n\n**Upside:** long.\n\n**Downside:** dim.\n",
        "**Update:** fixed.\n\nText.\n\nMore text.\n\nAnd more.\n\n**Update:** again.\n",
        "Run it:\n\n```\nmix\n```\n\nOutput:\n\n```\n1\n```\n\nRun it:\n\n```\nmix\n```\n\nOutput:\n\n```\n2\n```\n",
        "**Plate:** short.\n\n**Hall:** long.\n\n**Room:** small.\n",
    ],
)
def test_an_article_with_bold_words_before_colons_is_no_transcript(source: str) -> None:
    document = markdown.parse(source)
    assert document.default_kind == "article"
    assert not any(section.is_turn for section in document.sections)


@needs_data
def test_no_real_article_is_taken_for_a_transcript_and_every_real_transcript_is() -> None:
    kinds = {
        folder: {
            markdown.parse(path.read_text()).default_kind
            for path in (DATA / "creators" / folder).rglob("*.md")
            if "redirect:" not in path.read_text()[:200] and path.name != "all.md"
        }
        for folder in ("go-blog", "changelog")
    }
    assert kinds == {"go-blog": {"article"}, "changelog": {"audio"}}
