"""The sites that a widget may name, and from which pages of which origins one may ask."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.errors import Forbidden, NotFound
from backend.settings_access import SiteSettings, Theme

SITE_HEADER = "X-Footnote-Site"


@dataclass(frozen=True, slots=True)
class Site:
    """Where somebody asks. `id` "" is the service's own page, and whoever names no site. `creators` may be asked there,
    None: everybody."""

    id: str
    origins: frozenset[str]
    creators: frozenset[str] | None
    theme: Theme

    def offers(self, creator: str) -> bool:
        """Whether this creator may be asked here."""
        return self.creators is None or creator in self.creators


class Sites:
    """The sites of the configuration."""

    def __init__(self, settings: Mapping[str, SiteSettings]) -> None:
        """`settings` by the sites' ids; see `Settings.sites_by_id`."""
        self._sites = {"": Site("", frozenset(), None, "auto")} | {
            name: Site(name, frozenset(site.origins), frozenset(site.creators) or None, site.theme)
            for name, site in settings.items()
        }

    def find(self, name: str) -> Site:
        """The site of this name. Raises `NotFound`."""
        if name not in self._sites:
            raise NotFound("There is no such site: its name is the one in the configuration of the service.")
        return self._sites[name]

    def of(self, name: str | None, headers: Mapping[str, str]) -> Site:
        """The site that a request names, None for none. `headers` are the request's.

        A browser says which origin a request to another one comes from, and nothing on a page can change it. Raises
        `Forbidden` for one that may not ask here. Programs that are no browsers say nothing and are not kept out by
        this: the limits are for them.
        """
        site = self.find(name or "")
        origin = headers.get("origin")
        if origin is None or origin in site.origins or is_own_page(origin, headers):
            return site
        raise Forbidden(
            "Pages of this origin may not ask here: the configuration of the service has to name it under `sites`, and "
            "the widget that site."
        )


def is_own_page(origin: str, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from the page of this service. The second way is for browsers that do not tell, and needs
    a proxy that passes the name of the host on."""
    if headers.get("sec-fetch-site") == "same-origin":
        return True
    host = headers.get("host")
    return bool(host) and origin in (f"http://{host}", f"https://{host}")
