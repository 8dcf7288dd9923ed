"""A sentence that nobody else says, and where in the product it can be found."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.settings import Settings

CANARY = "The copper heron counts nine violet marbles before every thunderstorm"
HERONS = f"# Herons\n\n{CANARY}. It never loses one of them. Nobody has ever asked it why it does so.\n"
ROOMS = (
    "# Rooms\n\nA small room rings at low frequencies, and a large one does not ring at all. "
    "Put foam into the corners of a small room, and listen again on another day.\n"
)


async def traces(settings: Settings, database: AsyncEngine, redis: Redis) -> set[str]:
    """Every place with the canary: columns of tables, types of keys in Redis, folders of files of any kind."""
    return {
        *(await columns_with(database, CANARY)),
        *[f"{kind} in Redis" async for kind in kinds_of_keys_with(redis, CANARY.encode())],
        *await asyncio.to_thread(folders_with, settings.data_dir, CANARY.encode()),
    }


async def columns_with(database: AsyncEngine, wanted: str) -> set[str]:
    """Every column of every table, whatever its type, that holds the words (bytes are shown in hexadecimal); and the
    statistics of the planner."""
    columns = text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
    words = {"wanted": wanted, "hexadecimal": wanted.encode().hex()}
    found: set[str] = set()
    async with database.connect() as connection:
        for table, column in (await connection.execute(columns)).all():
            value = f'"{column}"::text'
            query = f'SELECT 1 FROM "{table}" WHERE strpos({value}, :wanted) + strpos({value}, :hexadecimal) > 0'
            if (await connection.execute(text(query), words)).first():
                found.add(f"{table}.{column}")
        sampled = text("SELECT 1 FROM pg_stats WHERE strpos(pg_stats::text, :wanted) > 0")
        if (await connection.execute(sampled, {"wanted": wanted})).first():
            found.add("statistics")
    return found


async def kinds_of_keys_with(redis: Redis, wanted: bytes) -> AsyncIterator[str]:
    """The type of every key that holds the words."""
    async for name in redis.scan_iter():
        kind = (await redis.type(name)).decode()
        value: Any
        match kind:
            case "string":
                value = await redis.get(name) or b""
            case "zset":
                value = b"\n".join([name, *await redis.zrange(name, 0, -1)])
            case _:
                value = b"".join(entry[b"frames"] for _, entry in await redis.xrange(name))
        if wanted in value:
            yield kind


def folders_with(data_dir: Path, wanted: bytes) -> set[str]:
    """The folders of files with these bytes, Postgres' own one level deeper."""
    found: set[str] = set()
    for file in data_dir.rglob("*"):
        with suppress(FileNotFoundError):  # engines replace theirs all the time
            if file.is_file() and not file.is_symlink() and wanted in file.read_bytes():
                parts = file.relative_to(data_dir).parts
                found.add("/".join(parts[:2]) if parts[0] == "postgres" else parts[0])
    return found
