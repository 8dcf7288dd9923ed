"""API keys, for servers of one's own: random, shown once, kept as a hash, and good until they are revoked."""

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as SqlUUID
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.access.identity import Identity, Role
from backend.database import autocommit, metadata
from backend.errors import Unauthenticated

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", SqlUUID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("creators", ARRAY(Text), nullable=False, server_default="{}"),
    Column("site", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)

PREFIX = "fnk_"  # by which programs that look for leaked keys find ours
RANDOM_BYTES = 32
FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)
KEPT_S = 30.0  # so long a key that was revoked may still be taken
MOST_KEPT = 1000
REFUSAL = "This API key is not valid, or not any more."

IS_VALID = api_keys.c.revoked_at.is_(None) & or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > func.now())


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its owner sees it; the key itself is nowhere."""

    id: UUID
    name: str
    role: Role
    creators: Sequence[str]
    site: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class ApiKeys:
    """Checks keys. One that is good is remembered for half a minute; the database is asked about every other one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known: dict[bytes, tuple[float, Identity]] = {}

    async def check(self, key: str) -> Identity:
        """Whose key it is. Raises `Unauthenticated`, and `Unavailable` while the database is away."""
        if not FORM.fullmatch(key):
            raise Unauthenticated(REFUSAL)
        hashed, now = hash_of(key), time.monotonic()
        until, identity = self._known.get(hashed, (0.0, None))
        if identity is not None and until > now:
            return identity
        self._known.pop(hashed, None)
        async with autocommit(self._engine) as connection:
            row = (await connection.execute(select(api_keys).where(api_keys.c.hash == hashed, IS_VALID))).first()
        if row is None:
            raise Unauthenticated(REFUSAL)
        identity = Identity("key", f"key:{row.id}", row.role, frozenset(row.creators), row.site)
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[hashed] = now + KEPT_S, identity
        return identity


def hash_of(key: str) -> bytes:
    """What is kept of a key. It has 256 random bits: a plain hash cannot be turned back, and no salt is needed."""
    return hashlib.sha256(key.encode()).digest()


async def create_key(
    engine: AsyncEngine, name: str, role: Role, creators: Sequence[str], site: str | None, expires_at: datetime | None
) -> tuple[UUID, str]:
    """A new key and its id. Nobody can be shown the key again."""
    identity, key = uuid4(), PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    values = {
        "id": identity, "name": name, "hash": hash_of(key), "role": role, "creators": list(creators), "site": site,
        "expires_at": expires_at,
    }  # fmt: skip
    async with autocommit(engine) as connection:
        await connection.execute(insert(api_keys).values(values))
    return identity, key


async def list_keys(engine: AsyncEngine) -> list[ApiKey]:
    """Every key that was ever made, the newest first."""
    columns = [column for column in api_keys.c if column.name != "hash"]
    async with autocommit(engine) as connection:
        rows = (await connection.execute(select(*columns).order_by(api_keys.c.created_at.desc()))).mappings().all()
    return [ApiKey(**row) for row in rows]


async def revoke_key(engine: AsyncEngine, key_id: UUID) -> None:
    """Nobody gets in with this key any more, after half a minute at most. Repeats do nothing."""
    revoked = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
    async with autocommit(engine) as connection:
        await connection.execute(revoked.values(revoked_at=func.now()))
