"""The sentences of a passage that can stand in an answer, cleaned, with what each needs before it."""

import re
from dataclasses import dataclass

from backend.knowledge.words import content_stems, words
from backend.llm.sentences import split_blocks, split_sentences
from backend.llm.spoken import SOUND, standing_alone, without_filler

FENCED = re.compile(r"^ {0,3}(```+|~~~+).*?(?:^ {0,3}\1[`~]*\s*$|\Z)", re.MULTILINE | re.DOTALL)
NOT_PROSE = re.compile(r"#{1,6} |\||!\[|<[a-zA-Z/!]|={3,}|-{3,}|\s{4,}\S|>{2,}|\$ |https?://\S+$")
BULLET = re.compile(r"(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?")
# Who speaks: "Ana:", "**Ana Reyes:**". A term that is explained ("Pre-delay: …") has no second capital and stays.
SPEAKER = re.compile(r"\*{0,2}((?:[A-Z][\w.'’-]*)(?: (?:[A-Z][\w.'’-]*|van|de|von|der|da|del)){0,3}):\*{0,2}\s+(?=\S)")
LINK = re.compile(r"!?\[([^\]]*)\]\((?:[^()\s]|\([^)]*\))*(?:\s+\"[^\"]*\")?\)")
EMPHASIS = re.compile(r"(\*{1,3}|(?<!\w)_{1,2})(?=\S)(.+?)(?<=\S)\1(?!\w)")
TAG = re.compile(r"</?[a-zA-Z][^>]{0,200}>")
ENDING = re.compile(r"[.!?…。！？][\"'”’)\]」』*`]*$")
# About the talk or the page and not about its subject.
ABOUT_ITSELF = re.compile(
    r"^asks\b|\b(?:subscribe|sponsors?|show notes|slides?|as follows|the following|figure \d|in the chat|"
    r"link (?:in|below)|(?:just|also) a highlight|contact me|"
    r"thanks for (?:watching|listening)|thank you (?:for|so|very)|welcome (?:back|to)|my name is|"
    r"let['’]?s (?:get|jump|dive|move|talk|start|look|go)|let me|tell (?:them|us|me|the listeners)|"
    r"(?:i|we)(?:['’]ll|['’]m| am| are|['’]re| will)(?: just| also| now)? (?:gonna |going to )?"
    r"(?:talk|show|touch|discuss|cover|look|get to|see|move)|"
    r"(?:asks?|asked|asking|wondering|wonders?)(?: (?:me|us|you|how|what|which|why|if|whether|about))|the question|"
    r"people (?:ask|write)|you might be thinking|(?:today|now) (?:i|we)(?: want|['’]ll|['’]m| are)|"
    r"as (?:i|we) (?:said|mentioned)|(?:shown|see|described|mentioned|as) (?:below|above|here|earlier)|"
    r"in this (?:article|post|video|episode|talk|section|chapter|lesson))\b",
    re.IGNORECASE,
)
# Points at something said before. "It is hard to say" points at nothing.
LEANING = re.compile(
    r"(?:(?:it|that|this|these|those|they|he|she|him|them|his|her|hers|their|theirs|its|both|neither|either|such|which|"
    r"same|here|ones?|another|others|otherwise|too|as well|vice versa|not (?:at all|only|really))\b|"
    r"the (?:same|other|others|latter|former|rest|second|third|result)\b|"
    r"(?:in|for|at|with|by|on|of|because of|after|before|from|to|like) (?:this|that|these|those|it|them|him|her)\b|"
    r"(?:some|most|many|all|none|each|one|two|three|both|any) of (?:them|these|those|it)\b|"
    r"(?:the )?(?:first|second|third|last) (?:one|is|of)\b|[a-z'’]+ (?:it|them|these|those)\b)",
    re.IGNORECASE,
)
EXPLETIVE = re.compile(
    r"it(?:['’]s| is| was| can be| may be)(?: \w+)? \w+ (?:to|that|when|if|how|why|whether)\b", re.IGNORECASE
)
SYMBOLS = re.compile(r"[{}=<>\[\];|\\_#@$^~]|\(\)|::|->")
MOST_SYMBOLS = 0.03
FEWEST_WORDS = 4
MOST_WORDS = 75


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a passage.

    `text` reads behind the sentence before it, `alone` without it. `place` is its number in the passage; one that
    `continues` stands right behind number `place - 1`. One that `leans` needs that sentence to be understood. `whole`
    is a complete statement, `usable` one that also says something by itself. `asked` are the content stems of a
    question that it follows.
    """

    text: str
    alone: str
    place: int
    continues: bool
    leans: bool
    whole: bool
    usable: bool
    about_itself: bool
    stems: tuple[str, ...]
    asked: frozenset[str]


def read_passage(text: str) -> list[Sentence]:
    """All sentences of the passage in order; headings, tables and code are left out."""
    found: list[Sentence] = []
    prose = TAG.sub(" ", FENCED.sub("\n\n", SOUND.sub(" ", text) if "\n" not in text else text))
    for block in split_blocks(prose):
        if NOT_PROSE.match(block):
            continue
        item = BULLET.match(block)
        block = block[item.end() :] if item else block
        block = SPEAKER.sub("", block, count=1) if is_speaker(block) else block
        pieces = split_sentences(plain(block))
        if len(pieces) == 1 and not ENDING.search(pieces[0]) and not item:
            continue
        asked = found[-1].stems if found and found[-1].text.endswith("?") else ()
        for number, piece in enumerate(pieces):
            sentence = read_sentence(piece, len(found), number > 0, frozenset(asked), ends_open=bool(item))
            asked = sentence.stems if sentence.text.endswith("?") else ()
            found.append(sentence)
    return found


def read_sentence(piece: str, place: int, continues: bool, asked: frozenset[str], *, ends_open: bool) -> Sentence:
    """One sentence, judged; `ends_open` where a list item may end without a full stop."""
    text = without_filler(piece)
    if ends_open and not ENDING.search(text):
        text = f"{text.rstrip(',;')}."
    alone = standing_alone(text)
    whole = is_whole(piece, text)
    leans = bool(LEANING.match(alone)) and not EXPLETIVE.match(alone)
    return Sentence(
        text=text,
        alone=alone,
        place=place,
        continues=continues,
        leans=leans,
        whole=whole,
        usable=whole and FEWEST_WORDS <= len(words(text)) <= MOST_WORDS,
        about_itself=bool(ABOUT_ITSELF.search(text)),
        stems=tuple(content_stems(text)),
        asked=asked,
    )


def is_whole(piece: str, text: str) -> bool:
    """Whether it is one whole statement in prose: no question, nothing cut off, no code."""
    return (
        bool(ENDING.search(text))
        and not text.endswith(("?", "...", "…", '?"', "?”"))
        and not piece[:1].islower()
        and text.count("(") == text.count(")")
        and text.count('"') % 2 == 0
        and text.count("“") == text.count("”")
        and len(SYMBOLS.findall(text)) <= MOST_SYMBOLS * len(text)
    )


def is_speaker(block: str) -> bool:
    """Whether the block begins with a speaker's name, and not with a term that it explains."""
    match = SPEAKER.match(block)
    return match is not None and match[1].lower() not in NOTICES


NOTICES = frozenset(
    "note tip warning caution important example summary conclusion update answer question q a tldr result".split()
)


def plain(block: str) -> str:
    """Markdown's marks removed, inline code kept in its backticks."""
    text = LINK.sub(r"\1", block)
    for _ in range(2):
        text = EMPHASIS.sub(r"\2", text)
    return SOUND.sub(" ", text.replace("\\[", "[").replace("\\]", "]"))
