"""Joins neighbouring hits of a document into one passage that reads on, with the place and the times of all."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from backend.knowledge.models import Chunk, Hit

# Of some 150 words each: two are as much as one reads at once, or two minutes of speech; a link to them opens a minute
# before what is cited at most.
MOST_JOINED = 2
FARTHEST_S = 120.0


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
    """Whether the chunk lies directly before or behind one of the group, in one section and from one mouth, and is said
    soon before or after it."""
    place = chunk.document_id, chunk.heading, chunk.speaker
    return any(
        place == (one.chunk.document_id, one.chunk.heading, one.chunk.speaker)
        and abs(one.chunk.ordinal - chunk.ordinal) == 1
        and abs((one.chunk.start_s or 0.0) - (chunk.start_s or 0.0)) <= FARTHEST_S
        and abs((one.chunk.page or 0) - (chunk.page or 0)) <= 1
        for one in group
    )


def whole(parts: Iterable[Chunk]) -> Chunk:
    """Neighbouring chunks of one section as one; the first given lends its id."""
    best, *others = parts
    if not others:
        return best
    ordered = sorted((best, *others), key=lambda chunk: chunk.ordinal)
    first, last = ordered[0], ordered[-1]
    text = first.text
    for before, after in pairwise(ordered):
        # What lay between them in the document: nothing, white space between sentences, or a blank line.
        gap = after.char_start - before.char_end
        text += ("\n" * min(gap, 2)) + after.text
    ends = [chunk.end_s for chunk in ordered if chunk.end_s is not None]
    return replace(
        best,
        ordinal=first.ordinal,
        text=text,
        char_start=first.char_start,
        char_end=last.char_end,
        start_s=first.start_s,
        begun_by=first.begun_by,
        end_s=None if last.end_s is None else max(ends),
        page=first.page,
    )
