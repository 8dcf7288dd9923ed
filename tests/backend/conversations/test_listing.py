"""The list of a visitor's conversations in a real Postgres: its order, and paging while it changes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from backend.conversations import postgres
from backend.conversations.listing import Place
from backend.conversations.models import Answer, Deleted, Question
from backend.conversations.postgres import PostgresConversations
from backend.errors import FootnoteError, InvalidRequest, NotFound

ANSWER = Answer("said", "complete", {"finish_reason": "stop"})


async def talk(store: PostgresConversations, owner: str, conversation_id: UUID | None = None) -> UUID:
    """A question and its answer."""
    run, _ = await store.begin(Question(owner, "How loud?", None, None, 0.0, conversation_id, None, "hash"))
    assert await store.finish(run, replace(ANSWER))
    return run.conversation_id


async def rest(store: PostgresConversations, owner: str, place: Place | None, limit: int = 2) -> list[UUID]:
    """The ids of all pages behind a place."""
    ids: list[UUID] = []
    while True:
        page, place = await store.list_conversations(owner, place, limit)
        ids += [conversation.id for conversation in page]
        if place is None:
            return ids
        place = Place.read(place.cursor)


async def test_the_conversation_last_answered_in_comes_first(store: PostgresConversations) -> None:
    owner = str(uuid4())
    first, second, third = [await talk(store, owner) for _ in range(3)]
    await talk(store, str(uuid4()))
    assert await rest(store, owner, None) == [third, second, first]
    await talk(store, owner, first)
    await store.rename(second, owner, "Another title")
    assert await rest(store, owner, None) == [first, third, second]
    assert await rest(store, owner, None, limit=3) == [first, third, second]


async def test_who_pages_while_others_are_answered_in_meets_each_once(store: PostgresConversations) -> None:
    owner = str(uuid4())
    made = [await talk(store, owner) for _ in range(9)]
    page, place = await store.list_conversations(owner, None, 3)
    assert place is not None
    await talk(store, owner, made[0])  # on a page that has not been read
    await talk(store, owner, made[2])
    await talk(store, owner, made[2])
    await talk(store, owner, made[8])  # on the page that has
    await talk(store, owner)  # a new one is not missed: it was not there when the reader began
    assert [conversation.id for conversation in page] + await rest(store, owner, place) == made[::-1]


async def test_who_pages_in_the_middle_of_a_crowd_meets_none_twice_and_misses_none_that_rests(
    store: PostgresConversations,
) -> None:
    """One whose answer is being committed when the first page is read may be met at the next look only."""
    owner = str(uuid4())
    made = [await talk(store, owner) for _ in range(12)]
    busy, resting = made[::2], made[1::2]
    over = asyncio.Event()

    async def keep_talking(some: list[UUID]) -> None:
        while not over.is_set():
            for conversation_id in some:
                await talk(store, owner, conversation_id)

    talking = [asyncio.create_task(keep_talking(busy[start::3])) for start in range(3)]
    for _ in range(5):
        met = await rest(store, owner, None)
        assert len(set(met)) == len(met)
        assert set(resting) <= set(met) <= set(made)
    over.set()
    await asyncio.gather(*talking)


async def test_a_deleted_conversation_leaves_the_pages_and_takes_no_other_along(store: PostgresConversations) -> None:
    owner = str(uuid4())
    made = [await talk(store, owner) for _ in range(6)]
    page, place = await store.list_conversations(owner, None, 2)
    await store.delete(owner, page[-1].id)
    await store.delete(owner, made[1])
    assert await rest(store, owner, place) == [made[3], made[2], made[0]]


@pytest.mark.parametrize("cursor", ["", "1", "1-2", f"1-2-{'g' * 32}", f"{'9' * 18}-1-{'0' * 32}", f"١-1-{'0' * 32}"])
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        Place.read(cursor)


async def test_a_strangers_cursor_gives_nothing_of_theirs(store: PostgresConversations) -> None:
    mine, theirs = str(uuid4()), str(uuid4())
    for owner in (mine, theirs):
        for _ in range(3):
            await talk(store, owner)
    _, place = await store.list_conversations(theirs, None, 1)
    assert place is not None
    assert await rest(store, str(uuid4()), place) == []


async def test_deleting_ends_the_run_and_nothing_is_written_afterwards(store: PostgresConversations) -> None:
    owner = str(uuid4())
    run, _ = await store.begin(Question(owner, "How loud?", None, None, 0.0, None, "key", "hash"))
    assert await store.beat([run.id]) == {run.id}
    gone = await store.delete(owner, run.conversation_id)
    assert (gone.conversations, gone.runs, gone.running) == ([run.conversation_id], [run.id], [run.id])
    assert not await store.finish(run, ANSWER)
    assert await store.beat([run.id]) == set()
    for attempt in (
        store.delete(owner, run.conversation_id),
        store.rename(run.conversation_id, owner, "x"),
        store.begin(Question(owner, "How loud?", None, None, 0.0, None, "key", "hash")),
        store.begin(Question(owner, "Again?", None, None, 0.0, run.conversation_id, None, "hash")),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_asking_answering_and_deleting_at_once_never_lock_each_other_out(store: PostgresConversations) -> None:
    owner = str(uuid4())

    async def ask(conversation_id: UUID) -> object:
        return await store.begin(Question(owner, "And?", None, None, 0.0, conversation_id, None, "hash"))

    for _ in range(30):
        run, _ = await store.begin(Question(owner, "How loud?", None, None, 0.0, None, None, "hash"))
        results = await asyncio.gather(
            ask(run.conversation_id), store.finish(run, ANSWER), ask(run.conversation_id),
            store.delete(owner, run.conversation_id), ask(run.conversation_id), return_exceptions=True,
        )  # fmt: skip
        wrong = [one for one in results if isinstance(one, Exception) and not isinstance(one, FootnoteError)]
        assert wrong == []
    assert await rest(store, owner, None) == []


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "CONVERSATIONS_AT_ONCE", 3)


@pytest.mark.usefixtures("small_parts")
async def test_all_are_deleted_a_part_at_a_time_and_what_is_asked_meanwhile_is_not_lost(
    store: PostgresConversations,
) -> None:
    owner, stranger = str(uuid4()), str(uuid4())
    made = [await talk(store, owner) for _ in range(10)]
    theirs = await talk(store, stranger)
    running, _ = await store.begin(Question(owner, "And?", None, None, 0.0, made[9], None, "hash"))
    begun: list[UUID] = []
    parts: list[Deleted] = []
    async for part in store.delete_all(owner):
        parts.append(part)
        begun.append(await talk(store, owner))
        await talk(store, stranger, theirs)
        left = sorted(set(made) - {gone for part in parts for gone in part.conversations})
        for conversation_id in set(left) - {made[9]}:  # each moves to the end of the list
            await talk(store, owner, conversation_id)
    assert [len(part.conversations) for part in parts] == [3, 3, 3, 1]
    assert {gone for part in parts for gone in part.conversations} == set(made)
    assert [run for part in parts for run in part.running] == [running.id]
    assert not await store.finish(running, ANSWER)
    assert await rest(store, owner, None) == begun[::-1]
    assert await rest(store, stranger, None) == [theirs]


@pytest.mark.usefixtures("small_parts")
async def test_deleting_all_that_is_given_up_on_the_way_has_done_a_part_and_goes_on_with_the_next_attempt(
    store: PostgresConversations,
) -> None:
    owner = str(uuid4())
    made = [await talk(store, owner) for _ in range(7)]
    async with aclosing(store.delete_all(owner)) as parts:
        async for _ in parts:
            break
    assert await rest(store, owner, None) == made[3:][::-1]
    await asyncio.gather(*(all_of(store.delete_all(owner)) for _ in range(3)))
    assert await rest(store, owner, None) == []


async def all_of(parts: AsyncGenerator[Deleted, None]) -> list[Deleted]:
    return [part async for part in parts]
