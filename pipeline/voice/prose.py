"""Text as sentences of words, without what a document is marked up with."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backend.knowledge.sentences import sentence_spans
from pipeline.sources.parsed import PARAGRAPH_BREAK

_CODE = re.compile(r"^ {0,3}(```+|~~~+).*?(?:^ {0,3}\1[`~]*\s*$|\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_TAG = re.compile(r"</?[a-zA-Z][^>\n]{0,200}>")
_SOUND = re.compile(r"\\?\[[^\]\n]{0,40}\]|\((?:laughs?|laughter|laughing|music|applause|inaudible|crosstalk)\)", re.I)
_EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")
_TABLE_OR_HEADING = re.compile(r"^[ \t]*(?:#{1,6} |\|).*$", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)])\s+", re.MULTILINE)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")
_BLOCK = re.compile(r"\n\s*\n")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_PAUSE = re.compile(r"[,;:()\"“”«»…/—–]|\.{2,}|\s-+\s|--")
_END = re.compile(r"([.!?…؟۔।॥։。！？])[\"'”’»)\]」』]*$")
CAPITAL = 0.5  # of the times inside of sentences: then a word is a name
LABEL_WORDS = 4  # fewer words without a closing mark are a heading or an item of a list, not a sentence


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in `clauses`, each a tuple of words as they were written, apostrophes made straight.

    `opener` is what stands before a comma at the beginning, at most two words; `mark` is how it ends, "" without one.
    """

    text: str
    clauses: tuple[tuple[str, ...], ...]
    opener: tuple[str, ...]
    mark: str

    @property
    def words(self) -> tuple[str, ...]:
        """Every word in order."""
        return tuple(word for clause in self.clauses for word in clause)


def sentences_of(text: str) -> Iterator[Sentence]:
    """Every sentence of prose: code, tables, headings, sounds and addresses are left out."""
    for block in _BLOCK.split(plain(text)):
        line = " ".join(block.split())
        for start, end in sentence_spans(line):
            if sentence := _sentence(line[start:end]):
                yield sentence


def plain(text: str) -> str:
    """The text as one would say it: without markup, line breaks kept."""
    text = _TAG.sub("", _ADDRESS.sub(" ", _LINK.sub(r"\1", _CODE.sub(PARAGRAPH_BREAK, text))))
    text = _BULLET.sub(PARAGRAPH_BREAK, _TABLE_OR_HEADING.sub("", text))
    return _EMPHASIS.sub("", _SOUND.sub(" ", text))


def words_of(text: str) -> list[str]:
    """The words as they are written, apostrophes made straight."""
    return [word.replace("’", "'") for word in _WORD.findall(text)]


def names_in(sentences: Iterable[Sentence]) -> set[str]:
    """Words, in lower case, that are written with a capital inside of sentences as often as not; "I" is none."""
    capital: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for sentence in sentences:
        for word in sentence.words[1:]:
            lower = word.lower()
            seen[lower] += 1
            capital[lower] += word != lower
    return {
        word
        for word, times in capital.items()
        if times and times >= CAPITAL * seen[word] and word != "i" and not word.startswith("i'")
    }


def _sentence(text: str) -> Sentence | None:
    pieces = _PAUSE.split(text)
    clauses = tuple(tuple(words) for piece in pieces if (words := words_of(piece)))
    end = _END.search(text)
    if not clauses or (end is None and sum(map(len, clauses)) < LABEL_WORDS):
        return None
    first = tuple(words_of(pieces[0]))
    comma = _PAUSE.search(text)
    is_opener = comma is not None and comma.group() == "," and 0 < len(first) <= 2 and len(clauses) > 1
    return Sentence(text, clauses, first if is_opener else (), end[1] if end else "")
