"""The built page at `/` and the widget's script at `/footnote.js`."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from backend.settings_access import SiteSettings

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors "
)
PAGE_HEADERS = {
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
# The widget is one script tag on other people's sites: they load it across origins and must get new versions.
WIDGET_HEADERS = {"Cross-Origin-Resource-Policy": "cross-origin", "X-Content-Type-Options": "nosniff"}


class Pages(StaticFiles):
    """Files of the front-end build, checked for change on each visit. With `?site=` the page may stand in a frame on
    the pages of that site, and of no other."""

    def __init__(self, folder: Path, sites: Mapping[str, SiteSettings]) -> None:
        super().__init__(directory=folder, html=True)
        self._sites = sites

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file. Another method than that of reading is refused only where there is one: else nothing is there."""
        response = await super().get_response(path, {**scope, "method": "GET"})
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response.headers["Cache-Control"] = "no-cache"
        if path.endswith(".js"):
            response.headers.update(WIDGET_HEADERS)
            return response
        named = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True).get("site", [""])
        site = self._sites.get(named[0])
        framed_by = " ".join(site.origins) if site else "'none'"
        response.headers.update(PAGE_HEADERS | {"Content-Security-Policy": POLICY + framed_by})
        return response
