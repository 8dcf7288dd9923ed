"""Joins neighbouring hits of a document into one passage that reads on, with the place and the times of all."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from backend.knowledge.models import Chunk, Hit

# Of some 150 words each: two are as much as one reads at once, or two minutes of speech; a link to them opens a minute
# before what is cited at most.
MOST_JOINED = 2
HEADING_SEPARATOR = " > "


def join(hits: Sequence[Hit], near: int) -> list[Hit]:
    """The hits with those among the first `near` joined that lie side by side in their document, two at most.

    A joined passage stands where the best of its parts did, with that one's score and chunk id. Best first.
    """
    groups: list[list[Hit]] = []
    for hit in hits[:near]:
        for group in groups:
            if len(group) < MOST_JOINED and touches(group, hit.chunk):
                group.append(hit)
                break
        else:
            groups.append([hit])
    return [*(Hit(whole(one.chunk for one in group), group[0].score) for group in groups), *hits[near:]]


def touches(group: Iterable[Hit], chunk: Chunk) -> bool:
    """Whether the chunk lies directly before or behind one of the group, in the same document."""
    return any(
        one.chunk.document_id == chunk.document_id and abs(one.chunk.ordinal - chunk.ordinal) == 1 for one in group
    )


def whole(parts: Iterable[Chunk]) -> Chunk:
    """Neighbouring chunks as one; the first given lends its id."""
    best, *others = parts
    if not others:
        return best
    ordered = sorted((best, *others), key=lambda chunk: chunk.ordinal)
    first, last = ordered[0], ordered[-1]
    text = first.text
    for before, after in pairwise(ordered):
        overlap = max(before.char_end - after.char_start, 0)
        # Passages are cut between sentences or, with a blank line that belongs to neither, between paragraphs.
        text += ("\n\n" if after.char_start - before.char_end > 1 else " ") + after.text[overlap:].lstrip()
    speakers = {chunk.speaker for chunk in ordered}
    return replace(
        best,
        ordinal=first.ordinal,
        text=text,
        char_start=first.char_start,
        char_end=last.char_end,
        heading=common_heading([chunk.heading or "" for chunk in ordered]),
        start_s=first.start_s,
        end_s=last.end_s,
        speaker=speakers.pop() if len(speakers) == 1 else None,
        page=first.page,
    )


def common_heading(headings: Sequence[str]) -> str | None:
    """The heading path that all of them lie under."""
    common: list[str] = []
    for names in zip(*(heading.split(HEADING_SEPARATOR) for heading in headings), strict=False):
        if len(set(names)) > 1:
            break
        common.append(names[0])
    return HEADING_SEPARATOR.join(common) or None
