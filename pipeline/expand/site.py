"""From a sitemap to the pages of its site."""

from backend.errors import ContentError
from pipeline.address import site
from pipeline.expand.expanded import Expanded, Parse, Tell, each
from pipeline.expand.page import Stage
from pipeline.expand.sitemap import MAX_ADDRESSES, Sitemap, parse_sitemap
from pipeline.find import LeftOut

MAX_DEPTH = 3  # indexes within indexes; the protocol knows one
MAX_SITEMAPS = 500


async def expand_sitemap(content: bytes, base: str, stage: Stage, parse: Parse, tell: Tell) -> Expanded:
    """Every page that the sitemap and those it lists lead to, on the same site.

    Other sites are left out: whoever writes a sitemap cannot say what belongs to somebody else. `base` is the
    sitemap's own address, empty for a file; then the first address in it says which site it is. Raises `ContentError`
    where the sitemap itself cannot be read.
    """
    survey = _Survey(stage, parse, base)
    await survey.take(await parse(parse_sitemap, content, base), depth=1)
    expanded = await each(list(survey.pages), stage.try_page, tell)
    expanded.left_out[:0] = survey.left_out
    expanded.is_complete = survey.is_complete
    return expanded


class _Survey:
    """Reads sitemap after sitemap and keeps what they list."""

    def __init__(self, stage: Stage, parse: Parse, base: str) -> None:
        self._stage = stage
        self._parse = parse
        self._home = site(base) if base else None
        self._sitemaps = {base}
        self.pages: dict[str, None] = {}
        self.left_out: list[LeftOut] = []
        self.is_complete = True

    async def take(self, sitemap: Sitemap, depth: int) -> None:
        """Keeps the pages and reads the sitemaps that it lists; `depth` 1 is the one that the curator named."""
        for text in sitemap.rejected:
            self._leave_out(text, "It is not a web address that can be read.")
        if sitemap.is_cut:
            self._miss("the sitemap", f"It lists more than {MAX_ADDRESSES:,} addresses; the rest was not read.")
        for page in self._here(sitemap.pages):
            if len(self.pages) == MAX_ADDRESSES:
                self._miss(page, f"From here on there are more than {MAX_ADDRESSES:,} pages; the rest was not read.")
                break
            self.pages[page] = None
        for listed in self._here(sitemap.sitemaps):
            if listed not in self._sitemaps:
                self._sitemaps.add(listed)
                await self._read(listed, depth + 1)

    async def _read(self, listed: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._miss(listed, f"Its list lies more than {MAX_DEPTH} levels deep.")
        elif len(self._sitemaps) > MAX_SITEMAPS:
            self._miss(listed, f"There are more than {MAX_SITEMAPS} lists.")
        else:
            try:
                landed = await self._stage.land(listed, self._stage.page(listed).path)
                sitemap = await self._parse(parse_sitemap, landed.take(), landed.address)
            except ContentError as error:
                self._miss(listed, error.message)
            else:
                await self.take(sitemap, depth)

    def _here(self, addresses: tuple[str, ...]) -> list[str]:
        """Those on the site itself."""
        if self._home is None and addresses:
            self._home = site(addresses[0])
        away = [address for address in addresses if site(address) != self._home]
        for address in away:
            self._leave_out(address, "It is on another site than the sitemap.")
        return [address for address in addresses if site(address) == self._home] if away else list(addresses)

    def _miss(self, origin: str, reason: str) -> None:
        """Something that may lead to pages is not known, so nobody can say what has vanished."""
        self.is_complete = False
        self._leave_out(origin, reason)

    def _leave_out(self, origin: str, reason: str) -> None:
        self.left_out.append(LeftOut(origin, reason))
