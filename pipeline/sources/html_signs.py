"""By what a page's markup says that a part of it is not of its content, and where that is not what it means."""

import re

from lxml.html import HtmlElement

from pipeline.clean import flow
from pipeline.sources.html_blocks import HEADINGS, TEXT_BLOCKS, inline_text

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
_OF_COMMENTS = re.compile(r"comment|repl(?:y|ies)|avatar|author", re.IGNORECASE)
_COMMENTS = ("div", "li", "ol", "p", "section", "ul")  # in what the comments of readers stand
_SECTION = re.compile(r"(?:^|\s)(?:section|level\d)(?:\s|$)")  # the classes of what stood for `section` before
_CALLOUT = re.compile(
    r"(?:^|[\s_-])(?:admonition|callout|note|hint|tip|important|caution|warning|danger)(?:$|[\s_-])", re.IGNORECASE
)
_NOT_LETTERS = re.compile(r"[\W\d_]+")


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


def correct_signs(root: HtmlElement) -> None:
    """Takes the name from what is only named after its own heading, and the element from callouts in the text."""
    for element in root.iter("section", "div", *HEADINGS):
        if "id" in element.attrib and _is_named_after_heading(element):
            del element.attrib["id"]
    for aside in [aside for aside in root.iter("aside") if _is_callout(aside)]:
        aside.tag = "div"
        aside.attrib.clear()


def _names(element: HtmlElement) -> str:
    return f"{element.get('class', '')} {element.get('id', '')}"


def _is_named_after_heading(element: HtmlElement) -> bool:
    """Whether its `id` was made from its heading, as Sphinx, pandoc and others do, and no readers' comments follow."""
    if element.tag == "div" and not _SECTION.search(element.get("class", "")):
        return False
    heading = element if element.tag in HEADINGS else _own_heading(element)
    if heading is None or _letters(element.get("id", "")) != _letters(inline_text(heading)):
        return False
    if element is heading:
        following = heading.getnext()
        return following is None or not (is_named_beside(following) or _OF_COMMENTS.search(_names(following)))
    return not _has_comments(element) and not leads_elsewhere(element)


def _has_comments(element: HtmlElement) -> bool:
    if next(element.iter("article", "time"), None) is not None:
        return True
    return any(_OF_COMMENTS.search(inner.get("class", "")) for inner in element.iter(*_COMMENTS))


def _own_heading(element: HtmlElement) -> HtmlElement | None:
    """The heading that its text begins with."""
    if (element.text or "").strip():
        return None
    for child in element:
        if child.tag in HEADINGS:
            return child
        if child.text_content().strip() or (child.tail or "").strip():
            return None
    return None


def _letters(text: str) -> str:
    return _NOT_LETTERS.sub("", text).casefold()


def _is_callout(aside: HtmlElement) -> bool:
    """Whether it is a note in the midst of the text: called one, or between paragraphs."""
    if is_named_beside(aside) or leads_elsewhere(aside):
        return False
    if aside.get("role") == "note" or _CALLOUT.search(aside.get("class", "")):
        return any(
            around.tag in ("article", "main") or around.get("role") == "main" for around in aside.iterancestors()
        )
    before, after = aside.getprevious(), aside.getnext()
    return before is not None and after is not None and before.tag in TEXT_BLOCKS and after.tag in TEXT_BLOCKS
