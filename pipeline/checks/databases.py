"""Postgres and Redis: there, of which version, willing to be written."""

from collections.abc import Mapping
from pathlib import Path

import asyncpg
from alembic.script import ScriptDirectory
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from backend import migrations
from backend.database import causes, open_database
from backend.settings import EMBEDDED, Settings
from pipeline.checks.finding import Finding, place_of

KEY = "footnote:doctor"
# https://www.postgresql.org/docs/current/errcodes-appendix.html
REFUSALS: Mapping[str, str] = {
    "28P01": "it refuses the password.",
    "28000": "it refuses the user.",
    "3D000": "it has no database of that name.",
    "42501": "the user may not read it.",
    "53300": "it has no connection left.",
}
DATABASE_ADVICE = "Start it, or correct FOOTNOTE_DATABASE__URL."
REDIS_ADVICE = "Start it, or correct FOOTNOTE_REDIS__URL: without it answers are slower, and other workers are deaf."


async def postgres(settings: Settings, resolved: Settings) -> list[Finding]:
    """Whether it can be reached and written, and has today's tables. `resolved` has the embedded engines' addresses."""
    where = _where(settings.database.url, resolved.database.url)
    engine = open_database(resolved.database.url, pool_size=1)
    try:
        async with engine.connect() as connection:
            number = (await connection.execute(text("SHOW server_version"))).scalar_one()
            read_only = (await connection.execute(text("SHOW transaction_read_only"))).scalar_one()
            tables = "SELECT to_regclass('alembic_version') IS NOT NULL"
            has_schema = (await connection.execute(text(tables))).scalar_one()
            revision = None
            if has_schema:
                revision = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        refusal = next((REFUSALS[state] for cause in causes(error) if (state := _state(cause)) in REFUSALS), None)
        return [Finding("broken", "Postgres", f"{where}: {refusal or 'it cannot be reached.'}", DATABASE_ADVICE)]
    finally:
        await engine.dispose()
    found = f"{number.split()[0]} {where}"
    if read_only == "on":
        return [Finding("broken", "Postgres", f"{found} is read-only.", "Name the primary in FOOTNOTE_DATABASE__URL.")]
    return [Finding("ok", "Postgres", f"{found}."), _schema(revision)]


def _schema(revision: str | None) -> Finding:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    newest = scripts.get_current_head()
    if revision == newest:
        return Finding("ok", "schema", f"{newest}, the newest.")
    if revision is None:
        return Finding("note", "schema", "there are no tables yet.", "`footnote status` makes them, as every command.")
    if revision in {script.revision for script in scripts.walk_revisions()}:
        says = f"{revision}, and {newest} is the newest."
        return Finding("note", "schema", says, "`footnote status` migrates it, as every command does.")
    advice = "A newer Footnote has migrated it: use that one here too."
    return Finding("broken", "schema", f"{revision}, which this version does not know.", advice)


async def redis(settings: Settings, resolved: Settings) -> list[Finding]:
    """Whether it can be reached and written."""
    where = _where(settings.redis.url, resolved.redis.url)
    try:
        client = Redis.from_url(resolved.redis.url, socket_timeout=3, socket_connect_timeout=3, retry=None)
    except ValueError:
        return [Finding("broken", "Redis", f"{where}: the address cannot be read.", REDIS_ADVICE)]
    try:
        number = (await client.info("server")).get("redis_version", "of unknown version")
        await client.set(KEY, "1", ex=10)
        await client.delete(KEY)
    except AuthenticationError:
        return [Finding("broken", "Redis", f"{where} refuses the password.", REDIS_ADVICE)]
    except ResponseError:
        advice = "It may be a replica, full, or closed to this user: see its log."
        return [Finding("broken", "Redis", f"{where} answers, but cannot be written.", advice)]
    except (RedisError, OSError):
        return [Finding("broken", "Redis", f"{where} cannot be reached.", REDIS_ADVICE)]
    finally:
        await client.aclose()
    return [Finding("ok", "Redis", f"{number} {where}.")]


def _where(configured: str, address: str) -> str:
    return "embedded in the data folder" if configured == EMBEDDED else f"at {place_of(address)}"


def _state(error: BaseException) -> str:
    return str(getattr(error, "sqlstate", ""))
