"""What is left of an answer when a source of it is removed: the rest, one note, and the numbers of the others."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from backend.chat.redaction import NOTE, letters, redacted, without
from backend.conversations.models import Message

GONE, LIVING = str(uuid4()), str(uuid4())
SECRET = "The tin pelican hides eleven violet buttons under every staircase."


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("One [1]. Two [2].", f"{NOTE} Two [2]."),
        ("One. [1] Two. [2]", f"{NOTE} Two. [2]"),
        ("One [1]. Another [1].\n\nThird [1]. Two [2].", f"{NOTE} Two [2]."),
        ("Two [2]. One [1].", f"Two [2]. {NOTE}"),
        ("Both [1][2].", "Both [1][2]."),
        ("It leads up to this. One [1]. So two [2].", f"{NOTE} So two [2]."),
        ("Two [2].\n\nOne [1]. It goes on.", f"Two [2].\n\n{NOTE}"),
        ("Two [2]. It goes on.\n\nOne [1].", f"Two [2]. It goes on.\n\n{NOTE}"),
        ("They say:\n\n- One [1].\n- Two [2].\n- One again [1].", f"{NOTE}\n- Two [2].\n- {NOTE}"),
        ("A line that\ngoes on [1].\n\nTwo [2].", f"{NOTE}\n\nTwo [2]."),
        ("Use `a[1]` here [2].", "Use `a[1]` here [2]."),
        ("Two [2]:\n\n```\nx = a[1]\n\ny\n```\n\nOne [1].", f"Two [2]:\n\n```\nx = a[1]\n\ny\n```\n\n{NOTE}"),
        ("One [1]:\n```\nx = a[2]\n```\n\nTwo [2].", f"{NOTE}\n\nTwo [2]."),
        ("Nobody is cited.", "Nobody is cited."),
        ("Two [2]. 铜色的苍鹭数了九颗紫色的弹珠。[1]还有两颗。[2]", f"Two [2]. {NOTE}还有两颗。[2]"),
    ],
)
def test_what_rests_on_a_removed_source_alone_is_replaced_by_one_note(said: str, left: str) -> None:
    assert without(said, {1}, "") == left
    assert without(left, {1}, "") == left


@pytest.mark.parametrize(
    "said",
    [
        f"{SECRET} Two [2].",
        f"{SECRET.upper()} [2] Two [2].",
        "As was said, the tin pelican *hides* eleven\nviolet buttons [2], they say. Two [2].",
        "Eleven violet buttons. Two [2].",
        "```\nthe tin pelican hides eleven violet buttons\n```\n\nTwo [2].",
    ],
)
def test_a_quotation_of_what_was_removed_goes_whatever_it_cites(said: str) -> None:
    left = without(said, {1}, letters(f"It is so. {SECRET}"))
    assert "violet" not in left.lower()
    assert NOTE in left
    assert left.endswith("Two [2].")


def test_words_that_anybody_says_are_no_quotation() -> None:
    said = "That is it. Before every thunderstorm the air is still [2]."
    assert without(said, {1}, letters(f"That is it. {SECRET}")) == said


def saved(content: str) -> Message:
    """An answer from two sources, of which the first will be removed."""

    def entry(index: int, document: str) -> dict[str, Any]:
        place = {"url": "https://x.example", "heading": "Herons", "speaker": "Bo", "snippet": SECRET, "start_s": None}
        creator = {"slug": "ana", "name": "Ana"}
        return {"index": index, "document_id": document, "title": "Birds", "creator": creator, **place}

    citations = [
        {"index": 1, "sentence": "One", "supported": True},
        {"index": 1, "sentence": "Both", "supported": True},
        {"index": 2, "sentence": "Both", "supported": True},
        {"index": 2, "sentence": SECRET, "supported": True},
    ]
    terminal = {"finish_reason": "stop", "citations": citations}
    return Message(
        uuid4(), 2, "assistant", content, "complete", [entry(1, GONE), entry(2, LIVING)], citations, "fast", "stop",
        datetime.now(UTC), terminal,
    )  # fmt: skip


def test_sources_keep_their_number_and_citations_go_with_their_sentences() -> None:
    message = redacted(saved(f"One [1]. Both [1][2]. {SECRET} [2]"), {GONE}, SECRET)
    assert message.content == f"{NOTE} Both [1][2]. {NOTE}"
    kept = [{"index": 2, "sentence": "Both", "supported": True}]
    assert (message.citations, message.terminal) == (kept, {"finish_reason": "stop", "citations": kept})
    first, second = message.sources
    assert (first["index"], first["document_id"], first["removed"]) == (1, GONE, True)
    assert (first["snippet"], first["heading"], first["url"], first["title"]) == ("", None, None, "Removed")
    assert first["speaker"] is None
    assert first["creator"]["name"] == "Ana"
    assert second == saved("").sources[1]
    assert redacted(message, {GONE}, SECRET) == message


def test_what_was_searched_goes_as_a_model_may_have_lent_it_words_of_the_answer_before() -> None:
    message = saved("Two [2].")
    assert message.terminal is not None
    searched = replace(message, terminal=message.terminal | {"standalone_query": "Why eleven buttons?"})
    assert redacted(searched, {GONE}, SECRET).standalone_query is None
    assert "standalone_query" not in (redacted(message, {GONE}, SECRET).terminal or {})


def test_of_an_answer_from_removed_sources_alone_nothing_stays_and_a_creator_loses_the_name() -> None:
    message = redacted(saved("One [1]. And nobody knows.\n\n- Two [2]."), {GONE, LIVING}, "", with_creator=True)
    assert message.content == NOTE
    assert message.citations == []
    assert "Ana" not in json.dumps([message.sources, message.terminal])
    assert redacted(replace(message, content=""), {GONE}, "").content == ""
