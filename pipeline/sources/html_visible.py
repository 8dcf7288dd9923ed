"""What a reader can see of a web page, at once or with a click: it is kept, and all that is hidden is taken out."""

import re

from lxml.html import HtmlElement

from pipeline.sources.html_blocks import HEADINGS, inline_text
from pipeline.sources.html_signs import is_named_beside, leads_elsewhere

_INVISIBLE_STYLE = re.compile(r"display:\s*none|visibility:\s*hidden", re.IGNORECASE)
_HIDING = ("hidden", "aria-hidden", "style")
_CONTROLS = frozenset(("a", "button", "summary"))
_CONTROL_ROLES = frozenset(("button", "tab"))
_TOGGLES = ("aria-controls", "aria-expanded", "data-toggle", "data-bs-toggle", "data-target")
_BESIDES = 2  # elements that stand beside a control, such as its icons


def keep_visible(root: HtmlElement) -> None:
    """Takes out what no reader sees, and makes text of buttons and links that only unfold what stands below them."""
    _drop_editors_comments(root)
    _unfold(root)
    for element in [element for element in root.iter("*") if _is_invisible(element)]:
        if element.getparent() is not None:
            element.drop_tree()
    for heading in root.iter("summary", "dt", *HEADINGS):
        if not inline_text(heading):
            for button in heading.iter("button"):
                button.tag = "span"
    for button in root.iter("button"):
        if _unfolds_next(button):
            button.tag = "p"
    for link in root.iter("a"):
        if _is_toggle(link):
            link.tag = "span"


def _drop_editors_comments(root: HtmlElement) -> None:
    """The comments that Google Docs writes below a document that is saved as a page, and the marks in its text."""
    for link in list(root.iter("a")):
        target = link.get("href", "")
        if not target.startswith("#cmnt"):
            continue
        dropped = link
        if target.startswith("#cmnt_ref"):
            dropped = next(link.iterancestors("p", "li"), link)
            around = dropped.getparent()
            dropped = around if around.tag == "div" and around[0] is dropped else dropped
        if dropped.getparent() is not None:
            dropped.drop_tree()


def _unfold(root: HtmlElement) -> None:
    """Shows the answers, tabs and the like that a control on the page shows, but no menus or forms."""
    controlled = {
        name
        for control in root.iter("*")
        if control.get("aria-haspopup", "false") == "false"
        and (control.tag in _CONTROLS or control.get("role") in _CONTROL_ROLES)
        for name in control.get("aria-controls", "").split()
    }
    for panel in root.iter("*"):
        is_unfolded = panel.get("role") == "tabpanel" or panel.get("id") in controlled
        if is_unfolded and _is_invisible(panel) and _is_content(panel):
            for name in _HIDING:
                panel.attrib.pop(name, None)


def _is_invisible(element: HtmlElement) -> bool:
    if element.get("aria-hidden") == "true" or element.get("hidden") not in (None, "until-found"):
        return True
    return bool(_INVISIBLE_STYLE.search(element.get("style", "")))


def _is_content(panel: HtmlElement) -> bool:
    return not is_named_beside(panel) and not leads_elsewhere(panel)


def _unfolds_next(button: HtmlElement) -> bool:
    """Whether it stands alone above the part of the page that it unfolds, as a question above its answer."""
    following = button.getnext()
    if following is None and _is_alone(button):
        following = button.getparent().getnext()
    if following is None or following.get("id", "") not in button.get("aria-controls", "").split():
        return False
    return _is_content(following)


def _is_toggle(link: HtmlElement) -> bool:
    """Whether it stands alone and leads nowhere but to what it unfolds."""
    around = link.getparent()
    if around.tag not in ("div", "p") or not _is_alone(link):
        return False
    target = link.get("href", "").strip()
    if target in ("", "#"):
        return True
    following = around.getnext()
    is_next = following is not None and following.get("id") == target[1:]
    return target.startswith("#") and (is_next or any(name in link.attrib for name in _TOGGLES))


def _is_alone(control: HtmlElement) -> bool:
    """Whether there is no other text in the element that it stands in."""
    around = control.getparent()
    if len(around) > 1 + _BESIDES or (around.text or "").strip():
        return False
    return not any(
        (beside.tail or "").strip() or (beside is not control and beside.text_content().strip()) for beside in around
    )
