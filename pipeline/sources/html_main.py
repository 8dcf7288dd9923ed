"""Which parts of a web page are its content. Trafilatura chooses them; the text is read from the page itself, since
what Trafilatura returns has lost white space in code, heads of tables and, on some pages, headings and lists."""

import copy
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import trafilatura
from lxml.html import HtmlElement

from pipeline.clean import flow
from pipeline.sources.html_blocks import BLOCKS, HEADINGS, HIDDEN, TEXT_BLOCKS
from pipeline.sources.html_signs import APART, APART_ROLES, LINKS, correct_signs, is_banner, is_named_beside
from pipeline.sources.html_visible import keep_visible

_PROSE = 100  # characters, that a part must have to be more than a caption of the layout
_REGION = 0.9  # of the chosen text, that the part of the page called its content holds
_TOO_LITTLE = 0.25  # of the page's text: then the choice has failed

# A part is marked for Trafilatura by three signs in front of it. It takes Braille for punctuation and keeps it.
_FIRST_SIGN = 0x2801
_SIGNS = 250
_MARK = re.compile(f"[{chr(_FIRST_SIGN)}-{chr(_FIRST_SIGN + _SIGNS - 1)}]{{3}}")


@dataclass(slots=True)
class _Part:
    """The text that stands in one block element and in no other within it: what is kept or left out as a whole.

    `nodes` are elements, and whether the text is after their end (their tail) or before their first child.
    """

    element: HtmlElement
    nodes: list[tuple[HtmlElement, bool]] = field(default_factory=list)
    length: int = 0
    linked: int = 0


@dataclass(slots=True)
class _Sum:
    """Characters within an element: all, those of links, and those that were chosen."""

    length: int = 0
    linked: int = 0
    chosen: int = 0

    @property
    def is_links(self) -> bool:
        return self.linked > LINKS * self.length


def keep_main_content(root: HtmlElement) -> None:
    """Takes the text out of the tree that is not the page's content: menus, banners, related pages, comments.

    Where no content can be told from the rest, everything stays that is not marked as something else.
    """
    keep_visible(root)
    correct_signs(root)
    parts = _parts(root)
    page = _Page(root, parts, _chosen(root, parts))
    for part, is_kept in zip(parts, page.kept(), strict=True):
        if not is_kept:
            _clear(part)


class _Page:
    """The parts of a page with what was chosen of them, and what that says of the others."""

    def __init__(self, root: HtmlElement, parts: Sequence[_Part], chosen: frozenset[int]) -> None:
        self._root = root
        self._parts = parts
        self._sums = _sums(parts, frozenset())
        self._chosen = frozenset(
            number for number in chosen if not any(self._is_apart(element) for element in _way(parts[number].element))
        )
        self._sums = _sums(parts, self._chosen)

    def kept(self) -> list[bool]:
        """Whether each part is content."""
        beside = [any(self._is_beside(element) for element in _way(part.element)) for part in self._parts]
        pairs = zip(self._parts, beside, strict=True)
        text = sum(part.length - part.linked for part, is_beside in pairs if not is_beside)
        if self._sums[self._root].chosen < _TOO_LITTLE * text:
            return [not is_beside for is_beside in beside]
        region = self._region()
        return [number in self._chosen or self._belongs(part, region) for number, part in enumerate(self._parts)]

    def _region(self) -> HtmlElement:
        """The innermost element, and none of running text, that holds almost all that was chosen."""
        region = self._root
        while True:
            inner = (child for child in region if child in self._sums and child.tag not in TEXT_BLOCKS)
            fullest = max(inner, key=lambda child: self._sums[child].chosen, default=None)
            if fullest is None or self._sums[fullest].chosen < _REGION * self._sums[self._root].chosen:
                return region
            region = fullest

    def _belongs(self, part: _Part, region: HtmlElement) -> bool:
        """Whether a part that was not chosen stands among those that were.

        What decides is the largest element around it in which nothing was chosen.
        """
        largest = part.element
        for element in _way(part.element):
            if self._sums[element].chosen and element is not part.element:
                break
            if self._is_beside(element):
                return False
            largest = element
        parent = largest.getparent()
        if parent is None or region not in _way(parent):
            return False
        around = self._sums[largest]
        if part.element.tag in HEADINGS and around.length == part.length:
            return True
        has_content = largest.tag in TEXT_BLOCKS or part.element.tag == "pre" or around.length >= _PROSE
        return has_content and not around.is_links

    def _is_apart(self, element: HtmlElement) -> bool:
        """Whether the element is never of the content. One that holds most of the page only wraps it."""
        return not self._is_wrapper(element) and (
            element.tag in APART or element.get("role", "").lower() in APART_ROLES or is_banner(element)
        )

    def _is_beside(self, element: HtmlElement) -> bool:
        """Whether the element is not of the content unless it was chosen."""
        return self._is_apart(element) or (
            not self._is_wrapper(element) and (element.tag == "aside" or is_named_beside(element))
        )

    def _is_wrapper(self, element: HtmlElement) -> bool:
        return self._sums[element].length > self._sums[self._root].length / 2


def _chosen(root: HtmlElement, parts: Sequence[_Part]) -> frozenset[int]:
    """The positions of the parts that Trafilatura takes."""
    marked = copy.deepcopy(root)
    counterparts = dict(zip(root.iter(), marked.iter(), strict=True))
    for number, part in enumerate(parts):
        element, is_tail = part.nodes[0]
        twin = counterparts[element]
        if is_tail:
            twin.tail = f"{_mark(number)} {twin.tail}"
        else:
            twin.text = f"{_mark(number)} {twin.text}"
    for cell in marked.iter("td", "th"):  # Trafilatura fills a table out by them, however far they reach
        cell.attrib.pop("colspan", None)
        cell.attrib.pop("rowspan", None)
    found = trafilatura.bare_extraction(marked, include_comments=False, include_formatting=True)
    if found is None or isinstance(found, dict) or found.body is None:
        return frozenset()
    numbers = (_number(mark) for mark in _MARK.findall("".join(found.body.itertext())))
    return frozenset(number for number in numbers if number < len(parts))


def _mark(number: int) -> str:
    return "".join(chr(_FIRST_SIGN + number // _SIGNS**power % _SIGNS) for power in (2, 1, 0))


def _number(mark: str) -> int:
    first, second, third = (ord(sign) - _FIRST_SIGN for sign in mark)
    return (first * _SIGNS + second) * _SIGNS + third


def _parts(root: HtmlElement) -> list[_Part]:
    """The parts of the tree that have text, in order."""
    parts: dict[HtmlElement, _Part] = {}

    def add(block: HtmlElement, node: HtmlElement, is_tail: bool, is_link: bool) -> None:
        length = len(flow((node.tail if is_tail else node.text) or ""))
        if length:
            part = parts.setdefault(block, _Part(block))
            part.nodes.append((node, is_tail))
            part.length += length
            part.linked += length if is_link else 0

    def walk(element: HtmlElement, block: HtmlElement, is_link: bool) -> None:
        if not isinstance(element.tag, str) or element.tag in HIDDEN:
            return
        block = element if element.tag in BLOCKS else block
        is_link = is_link or element.tag == "a"
        add(block, element, is_tail=False, is_link=is_link)
        for child in element:
            walk(child, block, is_link)
            add(block, child, is_tail=True, is_link=is_link)

    for child in root:
        walk(child, child, is_link=False)
    return list(parts.values())


def _sums(parts: Sequence[_Part], chosen: frozenset[int]) -> defaultdict[HtmlElement, _Sum]:
    sums: defaultdict[HtmlElement, _Sum] = defaultdict(_Sum)
    for number, part in enumerate(parts):
        for element in _way(part.element):
            sums[element].length += part.length
            sums[element].linked += part.linked
            sums[element].chosen += part.length if number in chosen else 0
    return sums


def _way(element: HtmlElement) -> Iterator[HtmlElement]:
    """The element and all around it, outwards."""
    yield element
    yield from element.iterancestors()


def _clear(part: _Part) -> None:
    for element, is_tail in part.nodes:
        if is_tail:
            element.tail = ""
        else:
            element.text = ""
