"""What a curator names on the command line and that is no document yet: an address, or a file that lists some."""

from dataclasses import dataclass, replace
from pathlib import Path

from backend.errors import ContentError
from pipeline.address import address, is_address
from pipeline.creators import slug_from
from pipeline.expand.channel import expand_feed, read_feed
from pipeline.expand.expanded import Expanded, Parse, Tell
from pipeline.expand.page import Stage
from pipeline.expand.site import expand_sitemap
from pipeline.expand.sitemap import GZIP, MAX_BYTES
from pipeline.fetch import Fetcher
from pipeline.find import LeftOut
from pipeline.source import Request
from pipeline.sources.detect import HEAD_BYTES, Kind, kind_of
from pipeline.sources.parsed import NothingToRead


async def expand(request: Request, *, fetcher: Fetcher, staging: Path, parse: Parse, tell: Tell) -> Expanded:
    """The documents behind an address, or behind a feed or sitemap in a file, as files in the folder `staging`.

    Without a creator in the request, a feed's title says whose its content is. Raises `ContentError` where the target
    is no address, or a feed or sitemap that cannot be read.
    """
    stage = Stage(fetcher, staging, request, request.creator)
    if not is_address(request.target):
        return await _expand_list(_read(Path(request.target)), stage, parse, tell)
    wanted = address(request.target)
    source = stage.page(wanted)
    try:
        landed = await stage.land(wanted, source.path)
    except NothingToRead as error:
        return Expanded(left_out=[LeftOut(wanted, error.message)])
    except ContentError as error:
        return Expanded(failed=[(source, error.message)])
    if landed.kind in ("feed", "sitemap"):
        return await _expand_list(_Found(landed.kind, landed.take(), landed.address, wanted), stage, parse, tell)
    tell(1, 1)
    found = replace(source, path=landed.path)
    return Expanded(archive=found) if landed.kind == "archive" else Expanded(sources=[found])


@dataclass(frozen=True, slots=True)
class _Found:
    """A list of documents. `base` is where it really lies, empty for a file; `name` is how the curator calls it."""

    kind: Kind | None
    content: bytes
    base: str
    name: str


def _read(path: Path) -> _Found:
    """Raises `ContentError` where the file cannot be read, or is larger than any list of documents."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ContentError(f"{path.name} is larger than {MAX_BYTES // 2**20} MiB.")
        content = path.read_bytes()
    except OSError as error:
        raise ContentError(f"{path.name} cannot be read.") from error
    kind: Kind | None = "sitemap" if content.startswith(GZIP) else kind_of(path.name, content[:HEAD_BYTES])
    return _Found(kind, content, "", path.name)


async def _expand_list(found: _Found, stage: Stage, parse: Parse, tell: Tell) -> Expanded:
    match found.kind:
        case "feed":
            feed, missing = await read_feed(found.content, found.base, stage, parse)
            if stage.creator is None and feed.title:
                stage = replace(stage, creator=slug_from(feed.title))
            expanded = await expand_feed(feed, found.name, stage, tell)
            expanded.left_out[:0] = missing
        case "sitemap":
            expanded = await expand_sitemap(found.content, found.base, stage, parse, tell)
        case _:
            raise ContentError(f"{found.name} is neither a feed nor a sitemap.")
    expanded.is_list = True
    return expanded
