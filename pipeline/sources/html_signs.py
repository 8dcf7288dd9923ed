"""By what a page's markup says that a part of it is not of its content."""

import re

from lxml.html import HtmlElement

from pipeline.clean import flow

# What a page itself says is not of its content, first by its elements, then by the names that it gives them.
APART = frozenset("nav footer dialog search".split())
APART_ROLES = frozenset(
    "navigation search banner contentinfo dialog alertdialog menu menubar toolbar complementary".split()
)
_BESIDE = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|breadcrumbs?|sidebar|footer|cookies?|consent|gdpr|newsletter|subscribe"
    r"|subscription|signup|share|sharing|sharedaddy|social|related|recommended|recommendations|popular|comments?|disqus"
    r"|respond|pagination|pager|advert|advertisement|ads?|promo|sponsor|sponsored|popup|modal|toolbar|skip-link"
    r"|screen-reader-text|sr-only|visually-hidden)(?:$|[\s_-])",
    re.IGNORECASE,
)
_BANNER = re.compile(r"cookie|consent|gdpr", re.IGNORECASE)

LINKS = 0.5  # of a part's text; where more of it is links, it leads elsewhere
_FORMS = ("form", "textarea")


def is_banner(element: HtmlElement) -> bool:
    """Whether it is named as what asks a reader's consent."""
    return bool(_BANNER.search(_names(element)))


def is_named_beside(element: HtmlElement) -> bool:
    """Whether it is named as a thing that stands beside the content."""
    return bool(_BESIDE.search(_names(element)))


def leads_elsewhere(element: HtmlElement) -> bool:
    """Whether it is a menu or form: most of its text is links, or something is filled in."""
    if next(element.iter("nav", "dialog", *_FORMS), None) is not None:
        return True
    linked = sum(len(flow(link.text_content())) for link in element.iter("a") if link.get("href"))
    return linked > LINKS * len(flow(element.text_content()))


def _names(element: HtmlElement) -> str:
    return f"{element.get('class', '')} {element.get('id', '')}"
