"""What is read of something written from a sentence on. Pure."""

from collections.abc import Sequence

from backend.llm.excerpts import MOST_BLOCKS, is_passed_over, may_follow
from backend.llm.leaning import misses_whom
from backend.llm.passage_sentences import Sentence


def window(passage: Sequence[Sentence], place: int, most_words: int) -> tuple[Sentence, ...]:
    """The sentence with all that may be read behind it, up to so many words, also in the next paragraphs but not behind
    the next heading; what announces a list only with an item of it, what begins a paragraph only with more of it."""
    read = [passage[place]]
    for sentence in passage[place + 1 :]:
        if is_passed_over(sentence, passage):
            continue
        last = read[-1]
        words = sum(one.length for one in (*read, sentence))
        blocks = sum(bool(one.code) for one in (*read, sentence))
        full = words > most_words or blocks > MOST_BLOCKS
        parted = (
            sentence.headed or sentence.speaker != last.speaker or (last.lists and not is_announced(sentence, last))
        )
        lost = misses_whom(sentence.alone, " ".join(one.text for one in read))
        if full or parted or lost or sentence.personal or not may_follow(sentence):
            begins = full and sentence.continues and not (last.continues or last.code)
            if begins and len(read) > 1:
                read.pop()
            break
        read.append(sentence)
    if len(read) > 1 and read[-1].lists:
        read.pop()
    return tuple(read)


def is_announced(sentence: Sentence, announcing: Sentence) -> bool:
    """Whether it is the first item of the list that the other announces."""
    return bool(sentence.item) and sentence.place == announcing.place + 1
