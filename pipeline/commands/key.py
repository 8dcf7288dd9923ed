"""`footnote key`: API keys are made, listed and revoked."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import typer

from backend.access.identity import Role
from backend.access.keys import ApiKey, create_key, list_keys, revoke_key
from backend.errors import ContentError
from backend.settings import Settings
from backend.settings_access import OWN_PAGE
from pipeline.library import Library
from pipeline.rows import Row, print_rows
from pipeline.terminal import one_line
from pipeline.workplace import database, workplace


def create(name: str, role: Role, creators: Sequence[str], site: str | None, days: int | None) -> None:
    """Prints a new key, the only time that it is shown. Raises `ContentError` for what the key could not mean."""
    if not name.strip():
        raise ContentError("Give the key a name by which you know later what it is for, such as `shop-server`.")
    if (role == "curator") != bool(creators):
        raise ContentError("A curator looks after creators: name them with `--creator`, and only for that role.")
    if role != "reader" and site is not None:
        raise ContentError("What curators and admins see is of all sites: leave `--site` out, or make a reader's key.")
    with workplace() as settings:
        if site is not None and site not in settings.sites:
            raise ContentError(f"There is no site `{site}`: those in the configuration are under `sites`.")
        identity, key = asyncio.run(make(settings, name, role, creators, site, days))
    typer.echo(key)
    typer.echo(
        f"This is the key {identity} ({name}), and nobody is shown it again: keep it as a password. "
        "A request sends it as `Authorization: Bearer …`.",
        err=True,
    )


async def make(
    settings: Settings, name: str, role: Role, creators: Sequence[str], site: str | None, days: int | None
) -> tuple[UUID, str]:
    """The key's id and the key."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    async with database(settings) as connections:
        library = Library(connections)
        for slug in creators:
            if not await library.has_creator(slug):
                raise ContentError(f"There is no creator `{slug}`: `footnote status` lists them.")
        return await create_key(connections, name, role, creators, "" if site == OWN_PAGE else site, expires_at)


def show() -> None:
    """Prints every key that was made; none of them can be read from it."""
    with workplace() as settings:
        found = asyncio.run(read(settings))
    columns = ("id", "name", "role", "of", "site", "made", "state")
    print_rows(
        [cells(key) for key in found],
        columns,
        wrapped=("name", "of", "site", "state"),
        nothing="There is no API key: `footnote key create NAME` makes one.",
    )


def revoke(key: str) -> None:
    """Revokes the key whose id begins so. Raises `ContentError` where that is none, or several."""
    with workplace() as settings:
        name = asyncio.run(end(settings, key))
    typer.echo(f"The key {name} is revoked; within a minute nothing takes it any more.")


async def end(settings: Settings, beginning: str) -> str:
    """Revokes it and says what it was called."""
    async with database(settings) as connections:
        found = [key for key in await list_keys(connections) if str(key.id).startswith(beginning.lower())]
        if len(found) != 1:
            which = "There is no key" if not found else "There are several keys"
            raise ContentError(f"{which} with an id that begins with `{beginning}`: `footnote key list` shows them.")
        await revoke_key(connections, found[0].id)
        return found[0].name


async def read(settings: Settings) -> list[ApiKey]:
    """All keys."""
    async with database(settings) as connections:
        return await list_keys(connections)


def cells(key: ApiKey) -> Row:
    """A key as parts of a line: the beginning of its id, its name, what it may do, where, since when (UTC), and whether
    it is good."""
    state = "good"
    if key.expires_at is not None:
        is_over = key.expires_at <= datetime.now(UTC)
        state = f"{'expired' if is_over else 'good until'} {key.expires_at.date().isoformat()}"
    if key.revoked_at is not None:
        state = f"revoked {key.revoked_at.date().isoformat()}"
    made = key.created_at.date().isoformat()
    site = OWN_PAGE if key.site == "" else key.site or ""
    return str(key.id)[:8], one_line(key.name), key.role, " ".join(key.creators), site, made, state
