"""API keys: shown once, kept as a hash, and worth nothing once they are revoked or have expired."""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.access import keys
from backend.access.keys import ApiKeys, api_keys, create_key, list_keys, revoke_key
from backend.database import transaction
from backend.errors import Unauthenticated


async def test_a_key_says_who_it_is_and_only_its_hash_is_kept(engine: AsyncEngine) -> None:
    identity, key = await create_key(engine, "billing", "curator", ["ana"], "blog", None)
    known = await ApiKeys(engine).check(key)
    assert (known.kind, known.name, known.role, known.site) == ("key", f"key:{identity}", "curator", "blog")
    assert known.may_curate("ana")
    assert not known.may_curate("bo")
    async with transaction(engine) as connection:
        (row,) = await connection.execute(select(api_keys).where(api_keys.c.id == identity))
    assert key not in str(row)
    assert key[4:].encode() not in row.hash
    assert [listed.name for listed in await list_keys(engine) if listed.id == identity] == ["billing"]


async def test_two_keys_are_two_owners(engine: AsyncEngine) -> None:
    made = [await create_key(engine, "same", "reader", [], None, None) for _ in range(2)]
    assert len({(await ApiKeys(engine).check(key)).name for _, key in made}) == 2


async def test_a_revoked_key_is_refused_after_the_time_that_it_is_remembered_for(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, key = await create_key(engine, "lost", "admin", [], None, None)
    checking = ApiKeys(engine)
    await checking.check(key)
    await revoke_key(engine, identity)
    with pytest.raises(Unauthenticated):
        await ApiKeys(engine).check(key)  # a worker that did not know it
    await checking.check(key)
    assert keys.KEPT_S <= 60  # within which a key has to be gone everywhere
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + keys.KEPT_S)
    monkeypatch.setattr(keys, "time", later)  # its own alone: the loop's timers go by the same clock
    with pytest.raises(Unauthenticated):
        await checking.check(key)


async def test_an_expired_key_is_refused(engine: AsyncEngine) -> None:
    _, key = await create_key(engine, "old", "admin", [], None, datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        await ApiKeys(engine).check(key)
    _, key = await create_key(engine, "young", "admin", [], None, datetime.now(UTC) + timedelta(hours=1))
    await ApiKeys(engine).check(key)


@pytest.mark.parametrize("key", ["fnk_", "fnk_" + "a" * 43, "fnk_" + "ä" * 43, "fnk_" + "a" * 4000, "", "fnk_\0" * 9])
async def test_what_is_not_a_key_of_ours_is_refused(engine: AsyncEngine, key: str) -> None:
    with pytest.raises(Unauthenticated):
        await ApiKeys(engine).check(key)
