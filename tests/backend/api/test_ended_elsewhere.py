"""A run that another worker has ended, because its own was silent for too long: who has its end has all, everywhere."""

import asyncio
from uuid import UUID

from redis.asyncio import Redis

from backend.chat.journal import JournalReader
from backend.chat.pulse import Pulse
from backend.conversations.postgres import PostgresConversations
from backend.database import open_database
from backend.settings import Settings
from tests.model_server import ModelServer
from tests.service import Visitor, running, with_model

LONG = " ".join(f"word{number}" for number in range(2000))


async def end_as_lost(settings: Settings, run_id: str) -> None:
    """Does what a worker does that has not seen the run's heart beat."""
    engine, redis = open_database(settings.database.url, pool_size=1), Redis.from_url(settings.redis.url)
    pulse = Pulse(PostgresConversations(engine), JournalReader(redis))
    async with asyncio.timeout(10):
        (lost,) = [run for run in await PostgresConversations(engine).stale_runs(-1) if run.id == UUID(run_id)]
        await pulse.end(lost)
    await redis.aclose()
    await engine.dispose()


async def test_who_has_the_end_of_a_run_that_was_ended_elsewhere_has_all_on_every_worker(
    library: Settings, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = LONG, 50
    settings = with_model(library, model.base_url)
    async with running(settings) as here, running(settings) as there, Visitor(here) as visitor:
        first = await visitor.ask(stop_after=3)
        async with Visitor(there, visitor.token) as elsewhere:
            reading = asyncio.create_task(visitor.follow(first.run_id))
            following = asyncio.create_task(elsewhere.follow(first.run_id))
            await asyncio.sleep(0.5)
            await end_as_lost(settings, first.run_id)
            told = (await following).checked(skips=True)
            assert told.last.json["code"] == "interrupted"
            (_, saved) = await elsewhere.messages(first.conversation_id)
            assert told.text == saved["content"] != ""
            own = (await reading).checked()  # its worker finds out with the next heartbeat
            assert (own.text, own.last.json) == (told.text, told.last.json)
            await asyncio.sleep(0.5)  # until its last frames are in the journal
            for last in (told.last, own.last):
                for reader in (visitor, elsewhere):
                    again = await reader.follow(first.run_id, after=int(last.id))
                    assert again.response.status_code == 204, (last.id, reader)
            # One more than the journal had is no end to who has it from the silent worker itself.
            unknown = await elsewhere.follow(first.run_id, after=len(told.events))
            assert (unknown.text, unknown.last.json) == (told.text, told.last.json)
