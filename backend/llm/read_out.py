"""Sentences of one source as they are read in an answer. Pure."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from backend.llm.passage_sentences import Sentence
from backend.llm.window import is_announced


class Quoted(NamedTuple):
    """A sentence, ready to read, the block of code that it announces, and who says it; each may be empty. One that is
    `listed` stands in a list, and begins an item of it, with this mark, or goes on with one."""

    text: str
    code: str
    speaker: str
    listed: bool = False
    item: str = ""


def read_out(group: Sequence[Sentence]) -> Iterator[Quoted]:
    """Each sentence as it reads at its place: with its tie to the one before only where that one is there, and listed
    only behind what says what is listed. Of what says that and lists nothing, no colon is left."""
    before: Sentence | None = None
    listed = False
    for sentence, following in zip_longest(group, group[1:]):
        is_next = before is not None and before.place == sentence.place - 1
        text = sentence.text if sentence.continues and is_next else sentence.alone
        if sentence.lists and not (following and is_announced(following, sentence)):
            text = f"{text.rstrip(':')}."
        goes_on = listed and sentence.continues and (is_next or bool(sentence.item))
        listed = goes_on or (before is not None and before.lists and is_announced(sentence, before))
        yield Quoted(text, sentence.code, sentence.speaker, listed, sentence.item if listed else "")
        before = sentence
