"""From what a curator names to everything there is to ingest: folders, files, archives, addresses."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from backend.errors import ConfigurationError, ContentError
from backend.knowledge.disk import unwritable
from backend.knowledge.models import Creator
from pipeline.address import address, is_address
from pipeline.creators import named_after, slug_from
from pipeline.expand.addresses import expand
from pipeline.expand.archive import extract
from pipeline.expand.expanded import Expanded
from pipeline.fetch import Fetcher
from pipeline.find import Found, LeftOut, Owner, find, find_in_archive
from pipeline.sandbox.pool import Pool
from pipeline.source import Request, Source
from pipeline.sources.detect import HEAD_BYTES, kind_of

T = TypeVar("T")
Tell = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is that is known of."""

STAGING = "staging"


def request_for(target: str, creator: str | None, topics: Sequence[str]) -> Request:
    """What a curator asked for, in the form in which it is remembered.

    Raises `ConfigurationError` for what can be no slug and a path that does not exist, `ContentError` for what can be
    no address.
    """
    if creator is not None:
        named_after(creator)
    if is_address(target):
        return Request(address(target), creator, tuple(topics))
    if not os.path.exists(target):  # `Path.exists` would raise below a folder that we may not enter
        raise ConfigurationError(f"{target} does not exist, or lies in a folder that you may not enter.")
    return Request(str(Path(target).resolve()), creator, tuple(topics))


@contextmanager
def staging(data_dir: Path) -> Iterator[Path]:
    """A folder for what is fetched and unpacked, empty at first and gone at the end.

    What a killed run left is cleared away: call it while you hold `Ledger.writing`.
    """
    folder = data_dir.resolve() / STAGING
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Gatherer:
    """Looks into targets one after the other. `folder` is `staging`, which lies in the data folder."""

    def __init__(self, pool: Pool, fetcher: Fetcher, folder: Path, tell: Tell) -> None:
        self._pool = pool
        self._fetcher = fetcher
        self._folder = folder
        self._tell = tell
        self._archives = 0

    async def gather(self, requests: Sequence[Request]) -> tuple[Found, list[str]]:
        """Everything behind the targets, and those of them of which it is everything.

        Raises `ConfigurationError` where a path does not exist, nothing is there, or a profile is wrong.
        """
        found = Found()
        searched: list[str] = []
        for request in requests:
            if await self._look_into(request, found):
                searched.append(request.target)
        return found, searched

    async def gather_apart(self, requests: Sequence[Request]) -> tuple[Found, dict[Request, str]]:
        """As `gather`, but a target that cannot be looked into stops none of the others: it is returned with the
        reason."""
        found = Found()
        refused: dict[Request, str] = {}
        for request in requests:
            try:
                await self._look_into(request, found)
            except ConfigurationError as error:
                refused[request] = error.message
        return found, refused

    async def _look_into(self, request: Request, found: Found) -> bool:
        path = Path(request.target)
        if is_address(request.target) or await asyncio.to_thread(_is_list, path):
            expanded = await self._expand(request)
            _add_expanded(found, expanded)
            if expanded.is_list and all(source.origin != request.target for source in _places(expanded)):
                found.opened.add(request.target)
            archives = [expanded.archive] if expanded.archive else []
            is_whole = expanded.is_complete
        else:
            inside = await asyncio.to_thread(find, path, request, self._folder.parent)
            found.add(inside)
            archives, is_whole = inside.archives, True
        for archive in archives:
            await self._open(archive, found)
        return is_whole

    async def _expand(self, request: Request) -> Expanded:
        async def parse(function: Callable[[bytes, str], T], content: bytes, base: str) -> T:
            return await asyncio.wrap_future(self._pool.submit(request.target, function, content, base))

        def tell(done: int, total: int) -> None:
            self._tell("Fetching", done, total)

        try:
            return await expand(request, fetcher=self._fetcher, staging=self._folder, parse=parse, tell=tell)
        except ContentError as error:
            source = Source(self._folder / "missing", request.target, request.target, request, request.creator)
            return Expanded(failed=[(source, error.message)])
        except OSError as error:
            raise unwritable(self._folder, error) from error

    async def _open(self, archive: Source, found: Found) -> None:
        """Adds what an archive holds; one that cannot be opened is a failure of its own."""
        self._archives += 1
        self._tell("Unpacking", self._archives, self._archives)
        into = self._folder / f"archive-{self._archives}"
        try:
            into.mkdir()
            unpacking = self._pool.submit(archive.origin, extract, archive.path, into)
            refused = await asyncio.wrap_future(unpacking)
            inside = await asyncio.to_thread(find_in_archive, archive, into)
        except (ContentError, ConfigurationError) as error:
            found.failed.append((archive, error.message.replace(str(into), archive.origin)))
            return
        except OSError as error:
            raise unwritable(into, error) from error
        inside.left_out += [LeftOut(f"{archive.origin}/{member.name}", member.reason) for member in refused]
        found.add(inside)


def _is_list(path: Path) -> bool:
    """Whether the file is a feed or a sitemap, which lead to addresses."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return kind_of(path.name, file.read(HEAD_BYTES)) in ("feed", "sitemap")
    except OSError:
        return False


def _places(expanded: Expanded) -> Iterator[Source]:
    """Everything that may be kept of it, if only as a failure."""
    yield from expanded.sources
    yield from (source for source, _ in expanded.failed)
    if expanded.archive is not None:
        yield expanded.archive


def _add_expanded(found: Found, expanded: Expanded) -> None:
    """Adds what addresses led to; a feed says how its creator is called."""
    owners: dict[str, Owner] = {}
    for slug in {source.creator for source in _places(expanded) if source.creator is not None}:
        creator = named_after(slug)
        if expanded.creator_name is not None and slug_from(expanded.creator_name) == slug:
            creator = Creator(slug, expanded.creator_name)
        owners[slug] = Owner(creator, is_described=False)
    found.add(Found(expanded.sources, owners, expanded.left_out, failed=expanded.failed))
