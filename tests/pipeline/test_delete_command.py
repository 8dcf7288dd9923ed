"""`footnote delete`, and what is left of a document after it: nothing, anywhere."""

import asyncio
import os
import pty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import erasure
from backend.chat import run as live
from backend.chat.journal import frames_key
from backend.conversations.cached import key
from backend.conversations.models import agent_sessions, messages
from backend.errors import ConfigurationError, ContentError
from backend.knowledge.catalogue import documents
from backend.knowledge.models import Creator
from backend.settings import Settings
from pipeline.commands import delete as command
from pipeline.profile import Measured, Profile, Sample, keep_profile, profile_folder
from pipeline.published import publication
from pipeline.voice.measure import measure
from pipeline.voice.phrases import Phrase
from tests.conftest import running_folder
from tests.pipeline.talks import by_id
from tests.pipeline.test_command import footnote
from tests.pipeline.traces import CANARY, HERONS, ROOMS, traces
from tests.service import Visitor, running


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that forget at once, so that nobody waits half a minute for them."""
    monkeypatch.setattr(live, "KEEP_ENDED_S", 0.3)
    monkeypatch.setattr(erasure, "SETTLE_S", 0.3)


@pytest.fixture(scope="module")
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    connection = Redis.from_url(settings.redis.url)
    yield connection
    await connection.aclose()


async def test_after_a_deletion_no_trace_is_left_anywhere_and_the_service_never_stumbles(
    settings: Settings, database: AsyncEngine, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(settings.data_dir))
    (tmp_path / "herons.md").write_text(HERONS)
    (tmp_path / "rooms.md").write_text(ROOMS)
    done = await asyncio.to_thread(footnote, settings.data_dir, "ingest", tmp_path, "--creator", "canary")
    assert done.returncode == 0, done.stderr
    ids = [await document_of(database, "canary", name) for name in ("herons.md", "rooms.md")]
    profile = lay_down_leftovers(settings.data_dir, *ids)
    async with publication(database, "canary") as publishing:
        await publishing.publish(profile)
    async with running(settings) as address, Visitor(address) as visitor, Visitor(address) as other:
        answer = await visitor.ask("What does the copper heron count?", creator="canary")
        conversation = answer.conversation_id
        again = await visitor.ask("And before what does it count them?", creator="canary", conversation_id=conversation)
        assert CANARY in answer.text
        keys = [frames_key(UUID(one.run_id)) for one in (answer, again)] + [key(UUID(conversation))]
        while await redis.exists(*keys) < len(keys):
            await asyncio.sleep(0.02)
        await lay_down_session(database, UUID(conversation))
        async with database.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("ANALYZE"))
            await connection.execute(text("CHECKPOINT"))
        before = await traces(settings, database, redis)
        assert {"messages.content", "messages.sources", "messages.terminal", "messages.citations"} <= before
        assert {"messages.upstream_events", "agent_sessions.session_id"} <= before
        assert {"creators.profile", "string in Redis", "stream in Redis", "statistics"} <= before
        assert {"redis", "index", "staging", "profiles", "postgres/base", "postgres/pg_wal"} <= before
        answered: list[str] = []
        asking = asyncio.create_task(keep_asking(other, answered))
        code = await asyncio.to_thread(command.run, ["canary/herons.md"], None)
        asking.cancel()
        (ended,) = await asyncio.gather(asking, return_exceptions=True)
        assert code == 0
        assert isinstance(ended, asyncio.CancelledError), ended
        assert len(answered) > 5
        assert await traces(settings, database, redis) == set()
        after = await visitor.ask("What does the copper heron count?", creator="canary")
        assert CANARY not in after.raw.decode()
        for run in (answer, again):
            assert CANARY not in (await visitor.follow(run.run_id)).checked().raw.decode()
        assert CANARY not in str(await visitor.messages(conversation))


async def keep_asking(visitor: Visitor, answered: list[str]) -> None:
    """Asks of what is not deleted, again and again; fails at the first answer that is not one."""
    while True:
        answer = await visitor.ask("Why does a small room ring?", creator="canary")
        assert answer.checked().last.event == "done", answer.events
        assert "low frequencies" in answer.text
        answered.append(answer.text)
        await asyncio.sleep(0.05)


def lay_down_leftovers(data_dir: Path, document: UUID, other: UUID) -> Profile:
    """What a killed ingestion leaves, and a profile that quotes the document, alone and with another; it is given."""
    (data_dir / "staging" / "archive-1").mkdir(parents=True)
    (data_dir / "staging" / "archive-1" / "herons.md").write_text(HERONS)
    sample = Sample(document, CANARY, "Herons", "1.")
    phrase = Phrase(CANARY, 3, 2, None, (document, other))
    manner = replace(measure(by_id([ROOMS]), []), phrases=(phrase,))
    measured = Measured("all that they wrote", 1, "", manner, (sample,))
    return keep_profile(profile_folder(data_dir), Creator("canary", "Canary"), measured)


async def lay_down_session(database: AsyncEngine, conversation: UUID) -> None:
    """What a bridge to an agent leaves in a conversation: the events it sent, and the session that has read it.

    Two of them, as the planner keeps no statistics of a single row.
    """
    sessions = [
        {"conversation_id": conversation, "tier": tier, "session_id": CANARY, "instructions": "", "number": 1}
        for tier in ("agent", "other")
    ]
    async with database.begin() as connection:
        is_answer = (messages.c.conversation_id == conversation) & (messages.c.role == "assistant")
        await connection.execute(update(messages).where(is_answer).values(upstream_events=CANARY))
        await connection.execute(insert(agent_sessions), sessions)


async def document_of(database: AsyncEngine, creator: str, uri: str) -> UUID:
    query = select(documents.c.id).where(documents.c.creator == creator, documents.c.source_uri == uri)
    async with database.connect() as connection:
        return (await connection.execute(query)).scalar_one()


@pytest.fixture(scope="module")
def data_dir(model_cache: Path) -> Iterator[Path]:
    with running_folder(model_cache) as folder:
        (folder / "ana").mkdir()
        (folder / "ana" / "herons.md").write_text(HERONS)
        (folder / "ana" / "rooms.md").write_text(ROOMS)
        done = footnote(folder, "ingest", folder / "ana", "--creator", "ana")
        assert done.returncode == 0, done.stderr
        yield folder


def run_in(data_dir: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], creator: str | None = None) -> int:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(data_dir))
    return command.run(names, creator)


def test_a_name_that_means_nothing_deletes_nothing(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ContentError, match="no document `nothing`"):
        run_in(data_dir, monkeypatch, ["herons.md", "nothing"])
    with pytest.raises(ContentError, match="no creator `nobody`"):
        run_in(data_dir, monkeypatch, [], "nobody")
    for names, creator in (([], None), (["herons.md"], "ana")):
        with pytest.raises(ConfigurationError, match="--creator SLUG"):
            run_in(data_dir, monkeypatch, names, creator)
    assert "Deleted" not in capsys.readouterr().out
    assert "herons.md" in footnote(data_dir, "show", "herons.md").stdout


def test_deleting_twice_says_so_and_checks_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_in(data_dir, monkeypatch, ["Herons"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Herons (ana/herons.md)"
    assert "Deleted 1 document with 1 passage" in said[-2]
    assert said[-1].startswith("Checked: nothing of it is left")
    assert run_in(data_dir, monkeypatch, ["ana/herons.md"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "ana/herons.md: it was deleted before"
    assert said[-1].startswith("Checked")


def test_a_creator_is_deleted_on_a_terminal_only_when_it_is_confirmed(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with on_terminal(monkeypatch, "n\n"):
        assert run_in(data_dir, monkeypatch, [], "ana") == 1
    assert "Nothing was deleted." in capsys.readouterr().out
    assert "ana" in footnote(data_dir, "status").stdout
    with on_terminal(monkeypatch, "y\n"):
        assert run_in(data_dir, monkeypatch, [], "ana") == 0
    assert "Checked" in capsys.readouterr().out.splitlines()[-1]
    assert footnote(data_dir, "status").stdout.startswith("The library is empty.")


@contextmanager
def on_terminal(monkeypatch: pytest.MonkeyPatch, typed: str) -> Iterator[None]:
    """Standard input as a terminal on which something was typed."""
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    try:
        with os.fdopen(theirs) as terminal, monkeypatch.context() as patch:
            patch.setattr("sys.stdin", terminal)
            yield
    finally:
        os.close(ours)
