"""What a conversation keeps of a document that is erased: its number, the visitor's questions, and what others said."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psutil
import pytest
from redis.asyncio import Redis
from sqlalchemy import CursorResult, select, text

from backend import erasure, residue
from backend.chat import run as live
from backend.chat.events import SourcesEvent, encode
from backend.chat.journal import frames_key
from backend.chat.redaction import NOTE
from backend.conversations.cached import key
from backend.conversations.models import messages
from backend.database import open_database
from backend.erasure import clear_residue, erase, remaining
from backend.errors import Unavailable
from backend.settings import Settings
from tests.model_server import ModelServer
from tests.pipeline.traces import folders_with
from tests.service import Answer, Visitor, with_section

SECRET = "The tin pelican hides eleven violet buttons under every staircase."


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that forget at once, so that nobody waits half a minute for them."""
    monkeypatch.setattr(live, "KEEP_ENDED_S", 0.2)
    monkeypatch.setattr(erasure, "SETTLE_S", 0.2)


async def in_database(settings: Settings, *statements: str) -> CursorResult[Any]:
    """What the last of the statements gives."""
    engine = open_database(settings.database.url, pool_size=1)
    async with engine.begin() as connection:
        for statement in statements:
            result = await connection.execute(text(statement))
    await engine.dispose()
    return result


@pytest.fixture(autouse=True, scope="module")
async def nothing_said_before(settings: Settings) -> None:
    """No answer of other tests is here: thousands of them are from the same documents, and each would be rewritten."""
    await in_database(settings, "TRUNCATE conversations CASCADE")
    redis = Redis.from_url(settings.redis.url)
    await redis.flushdb()
    await redis.aclose()


def quoting(*indexes: int) -> Callable[[str], str]:
    """A model that says a sentence of its own about each of these sources."""
    return lambda prompt: " ".join(f"So says source number {index} [{index}]." for index in indexes)


def sources_of_two(answer: Answer) -> tuple[dict[str, Any], dict[str, Any]]:
    """A source, and one of another document."""
    first = answer.sources[0]
    return first, next(source for source in answer.sources if source["document_id"] != first["document_id"])


async def until_written(redis: Redis, *keys: str) -> None:
    async with asyncio.timeout(20):
        while await redis.exists(*keys) < len(keys):
            await asyncio.sleep(0.02)


@pytest.mark.usefixtures("patience")
async def test_a_conversation_loses_what_was_said_from_an_erased_document_and_nothing_else(
    settings: Settings, model: ModelServer, visitor: Visitor, redis: Redis
) -> None:
    gone, living = sources_of_two(await visitor.ask())
    model.answer = quoting(gone["index"], living["index"])
    answer = await visitor.ask()
    model.answer = f"I said it: {gone['snippet']}"
    again = await visitor.ask("And how loud is that?", conversation_id=answer.conversation_id)
    frames = [frames_key(UUID(one.run_id)) for one in (answer, again)]
    await until_written(redis, *frames)
    keys = [*frames, key(UUID(answer.conversation_id))]  # the last may be missing: a busy worker does not wait for it
    erased = await erase(settings, [UUID(gone["document_id"])])
    assert erased.answers >= 2
    assert await redis.exists(*keys) == 0
    asked, first, _, second = await visitor.messages(answer.conversation_id)
    assert asked["content"] == "How loud should my master be?"
    assert first["content"] == f"{NOTE} So says source number {living['index']} [{living['index']}]."
    assert [citation["index"] for citation in first["citations"]] == [living["index"]]
    assert second["content"] == NOTE
    assert (first["standalone_query"], second["standalone_query"]) == (None, None)
    for source in (*first["sources"], *second["sources"]):
        is_gone = source["document_id"] == gone["document_id"]
        assert (source.get("removed", False), source["snippet"] == "") == (is_gone, is_gone)
    assert await remaining(settings, [UUID(gone["document_id"])]) == {}
    assert (await erase(settings, [UUID(gone["document_id"])])).answers == 0


@pytest.mark.usefixtures("patience")
async def test_a_comment_loses_what_it_quotes_and_an_answer_that_was_made_anew_leaves_no_journal(
    settings: Settings, model: ModelServer, visitor: Visitor, redis: Redis
) -> None:
    gone, living = sources_of_two(await visitor.ask())
    model.answer = quoting(gone["index"], living["index"])
    answer = await visitor.ask()
    model.answer = f"I said it: {gone['snippet']}"
    replaced = await visitor.ask("And how loud is that?", conversation_id=answer.conversation_id)
    here = f"/api/v1/conversations/{answer.conversation_id}/messages"
    comment = f"Who would say this? {gone['snippet']}"
    rated = await visitor.http.put(
        f"{here}/{answer.last.json['message_id']}/feedback",
        json={"rating": "down", "comment": comment},
        headers=visitor.headers,
    )
    assert rated.status_code == 204
    model.answer = quoting(living["index"])
    again = f"{here}/{replaced.last.json['message_id']}/regenerate"
    assert (await visitor.http.post(again, headers=visitor.headers)).status_code == 200
    left = frames_key(UUID(replaced.run_id))
    await until_written(redis, left)
    await erase(settings, [UUID(gone["document_id"])])
    assert await redis.exists(left) == 0
    feedback = (await visitor.messages(answer.conversation_id))[1]["feedback"]
    assert feedback["rating"] == "down"
    assert feedback["comment"].startswith("Who would say this?")
    assert feedback["comment"].endswith(NOTE)
    assert gone["snippet"][:40] not in feedback["comment"]


@pytest.mark.usefixtures("patience")
async def test_an_answer_that_is_being_given_is_waited_for_and_its_reader_reads_to_the_end(
    settings: Settings, model: ModelServer, visitor: Visitor, redis: Redis
) -> None:
    gone = (await visitor.ask()).sources[0]
    model.answer, model.tokens_per_s = quoting(gone["index"]), 8
    reading = asyncio.create_task(visitor.ask())
    await model.stream_open()
    await erase(settings, [UUID(gone["document_id"])])
    assert reading.done()
    answer = reading.result().checked()
    assert answer.last.event == "done"
    saved_answer = (await visitor.messages(answer.conversation_id))[-1]
    assert "So says" not in saved_answer["content"]
    assert await redis.exists(frames_key(UUID(answer.run_id)), key(UUID(answer.conversation_id))) == 0
    replayed = (await visitor.follow(answer.run_id)).checked()
    assert replayed.text == saved_answer["content"]
    assert gone["snippet"] not in json.dumps(replayed.sources)


@pytest.mark.usefixtures("patience")
async def test_the_journal_of_an_answer_that_was_never_saved_goes_and_those_of_others_stay(
    settings: Settings, redis: Redis
) -> None:
    document, mine, other = uuid4(), frames_key(uuid4()), frames_key(uuid4())
    for name, shown in ((mine, document), (other, uuid4())):
        frame = encode(1, SourcesEvent([{"index": 1, "document_id": str(shown), "snippet": SECRET}]))
        await redis.xadd(name, {"frames": frame}, id="1-0")
    assert await remaining(settings, [document]) == {"copies of answers in Redis": 1}
    assert (await erase(settings, [document])).journals == 1
    assert [await redis.exists(name) for name in (mine, other)] == [0, 1]
    assert await remaining(settings, [document]) == {}


@pytest.mark.usefixtures("patience")
async def test_while_redis_is_away_nothing_is_said_to_be_erased(settings: Settings) -> None:
    away = with_section(settings, "redis", url="redis://127.0.0.1:1/0")
    with pytest.raises(Unavailable, match="Redis"):
        await erase(away, [uuid4()])
    with pytest.raises(Unavailable, match="Redis"):
        await clear_residue(away)


async def test_a_rewrite_of_the_cache_that_failed_once_does_not_keep_the_next_one_from_being_made(
    settings: Settings, redis: Redis
) -> None:
    await redis.mset({f"slow:{number}": "x" for number in range(20)})
    await redis.config_set("rdb-key-save-delay", 200_000)  # microseconds a key
    try:
        await redis.bgrewriteaof()
        server = psutil.Process((await redis.info("server"))["process_id"])
        while not (children := server.children()):
            await asyncio.sleep(0.01)
        children[0].kill()
        while (await redis.info("persistence"))["aof_last_bgrewrite_status"] == "ok":
            await asyncio.sleep(0.01)
    finally:
        await redis.config_set("rdb-key-save-delay", 0)
        await redis.delete(*[f"slow:{number}" for number in range(20)])
    await residue.clear_cache(redis)
    assert (await redis.info("persistence"))["aof_last_bgrewrite_status"] == "ok"


async def test_a_table_that_is_in_use_for_long_is_not_waited_for_without_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residue, "LOCK_TIMEOUT", "20ms")
    monkeypatch.setattr(residue, "ATTEMPTS", 1)
    engine = open_database(settings.database.url, pool_size=1)
    try:
        async with engine.begin() as connection:
            await connection.execute(select(messages.c.id).limit(1))
            with pytest.raises(Unavailable, match="too busy"):
                await clear_residue(settings)
        await clear_residue(settings)
    finally:
        await engine.dispose()


async def test_a_table_that_was_emptied_leaves_nothing_in_the_statistics(settings: Settings, visitor: Visitor) -> None:
    asked = await visitor.ask()
    kept = f"SELECT count(*) FROM pg_stats WHERE strpos(pg_stats::text, '{asked.conversation_id}') > 0"
    assert (await in_database(settings, "ANALYZE messages", kept)).scalar_one() > 0
    await in_database(settings, "TRUNCATE conversations CASCADE")
    await clear_residue(settings)
    assert (await in_database(settings, kept)).scalar_one() == 0


async def test_someone_who_is_not_the_superuser_clears_what_is_theirs(settings: Settings) -> None:
    engine = open_database(settings.database.url, pool_size=1)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE ROLE plain LOGIN"))
            for table in residue.TABLES:
                await connection.execute(text(f"ALTER TABLE {table.name} OWNER TO plain"))
        plain = settings.database.url.replace("postgres@", "plain@")
        await clear_residue(with_section(settings, "database", url=plain))
    finally:
        async with engine.begin() as connection:
            for table in residue.TABLES:
                await connection.execute(text(f"ALTER TABLE {table.name} OWNER TO postgres"))
            await connection.execute(text("DROP ROLE plain"))
        await engine.dispose()


async def test_what_an_older_transaction_might_still_read_goes_when_that_has_ended(
    settings: Settings, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await visitor.ask(f"Is it so that {SECRET}")
    older = open_database(settings.database.url, pool_size=1)
    async with older.connect() as reading:
        await reading.execution_options(isolation_level="REPEATABLE READ")
        await reading.execute(text("SELECT 1"))  # from now on it could read what is deleted next
        await in_database(settings, f"DELETE FROM conversations WHERE id = '{answer.conversation_id}'")
        with monkeypatch.context() as hasty:
            hasty.setattr(residue, "OLDER_S", 0.1)
            with pytest.raises(Unavailable, match="end it, and run the same command again"):
                await clear_residue(settings)
        clearing = asyncio.create_task(clear_residue(settings))
        await asyncio.sleep(1)
        waited = not clearing.done()
    await clearing
    await older.dispose()
    assert waited
    assert "postgres/base" not in await asyncio.to_thread(folders_with, settings.data_dir, SECRET.encode())
