"""A conversation as a file: whole, in the form that was asked for, without what was removed, and harmless."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from markdown_it import MarkdownIt
from sqlalchemy import update

from backend.api import export
from backend.api.export import file_name
from backend.chat.transcript import harmless, passage, plain
from backend.conversations.models import Message
from backend.database import open_database, transaction
from backend.knowledge.catalogue import documents
from backend.settings import Settings
from tests.model_server import ModelServer
from tests.service import Visitor

HERE = "/api/v1/conversations"


async def test_the_json_has_every_message_however_many_pages_they_are(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    first = await visitor.ask()
    for _ in range(2):
        await visitor.ask("And how loud is “that”?", conversation_id=first.conversation_id)
    path = f"{HERE}/{first.conversation_id}"
    exported = await visitor.get(f"{path}/export")
    assert exported.headers["content-type"] == "application/json"
    assert exported.headers["content-disposition"] == (
        'attachment; filename="footnote-how-loud-should-my-master-be.json"'
    )
    about = (await visitor.get(path)).json()
    del about["active_run_id"]
    assert exported.json() == about | {"messages": await visitor.messages(first.conversation_id)}
    assert [message["seq"] for message in exported.json()["messages"]] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ("", "*/*", "application/json"),
        ("", "text/markdown", "text/markdown; charset=utf-8"),
        ("", "application/json;q=0.5, text/*", "text/markdown; charset=utf-8"),
        ("?format=json", "text/markdown", "application/json"),
        ("?format=markdown", "application/json", "text/markdown; charset=utf-8"),
    ],
)
async def test_the_form_is_the_one_that_was_asked_for(visitor: Visitor, query: str, accept: str, kind: str) -> None:
    answer = await visitor.ask()
    headers = visitor.headers | {"Accept": accept}
    exported = await visitor.http.get(f"{HERE}/{answer.conversation_id}/export{query}", headers=headers)
    assert (exported.status_code, exported.headers["content-type"]) == (200, kind)
    assert (await visitor.get(f"{HERE}/{answer.conversation_id}/export?format=pdf")).status_code == 422


async def test_only_its_owner_may_take_it_along(visitor: Visitor, service: str) -> None:
    mine = await visitor.ask()
    async with Visitor(service) as other:
        await other.ask()
        foreign = await other.get(f"{HERE}/{mine.conversation_id}/export")
        missing = await other.get(f"{HERE}/{uuid4()}/export")
    assert (foreign.status_code, foreign.content) == (404, missing.content)


async def test_a_source_that_was_removed_since_is_there_without_its_text(
    visitor: Visitor, library: Settings, model: ModelServer
) -> None:
    model.answer = "So it is [1]."
    answer = await visitor.ask()
    gone = answer.sources[0]
    engine = open_database(library.database.url, pool_size=1)

    async def set_deleted(when: datetime | None) -> None:
        async with transaction(engine) as connection:
            of_it = documents.c.id == gone["document_id"]
            await connection.execute(update(documents).where(of_it).values(deleted_at=when))

    await set_deleted(datetime.now(UTC))
    try:
        texts = [
            (await visitor.get(f"{HERE}/{answer.conversation_id}/export?format={form}")).text
            for form in ("json", "markdown")
        ]
    finally:
        await set_deleted(None)
        await engine.dispose()
    for text in texts:
        assert gone["snippet"][:40] not in text
        assert gone["chunk_id"] not in texts[1]
    assert json.loads(texts[0])["messages"][1]["sources"][0]["removed"] is True
    assert "1. *Removed by its creator.*" in texts[1]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("How loud?", "footnote-how-loud"),
        ('../../etc/passwd"; filename="x\r\nSet-Cookie: a', "footnote-etc-passwd-filename-x-set-cookie-a"),
        ("如何混音", "footnote-conversation"),
        ("CON", "footnote-con"),
        ("x" * 300, "footnote-" + "x" * 60),
    ],
)
def test_a_file_name_is_safe_whatever_the_title(title: str, name: str) -> None:
    assert file_name(title) == name


DANGEROUS = [
    "<script>alert(1)</script>", "![x](https://evil.example/a.png)", "[x](javascript:alert(1))", "\\\\<img src=x>",
    "[x]: javascript:alert(1)\n\n[x]", "<https://evil.example>", "[![a](b)](c)", "[x]( <javascript:1>)", "<!-- x -->",
    "a\\![x](b)", "`<b>` <i>",
]  # fmt: skip


@pytest.mark.parametrize("written", DANGEROUS)
def test_nothing_in_an_export_runs_or_fetches(written: str) -> None:
    renderer = MarkdownIt("commonmark", {"html": True})
    renderer.validateLink = lambda url: True  # type: ignore[method-assign]
    message = Message(uuid4(), 2, "assistant", written, "complete", [], [], "fast", "stop", datetime.now(UTC), None)
    source = {"index": 1, "title": written, "creator": {"name": written}, "url": f"https://a.example/{written}",
              "snippet": written}  # fmt: skip
    for text in (harmless(written), passage(message, [source]), f"> {plain(written)}"):
        rendered = renderer.render(text)
        assert "<script" not in rendered
        assert "<i" not in rendered
        assert "<!--" not in rendered
        assert 'href="javascript' not in rendered


@pytest.mark.parametrize("written", ["1. one\n2. two", "- a\n+ b\n* c", "# no", "a\n===", "*x* _y_ `z` ~~s~~", "| a |"])
def test_a_question_reads_as_it_was_asked(written: str) -> None:
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(plain(written))
    assert rendered == f"<p>{written}</p>\n"


def test_what_is_harmless_stays_as_it_is() -> None:
    said = "Cut **250 Hz** [1][2], if 1 < 2.\n\n- See [this](https://a.example) and `x`.\n"
    assert harmless(said) == said
