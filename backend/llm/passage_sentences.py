"""The sentences of a passage that can stand in an answer, cleaned, with what each needs before it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

from backend.knowledge.words import content_stems, words
from backend.llm.asides import announces, is_about_itself, is_added, is_personal, thanks
from backend.llm.asking import ALMOST_NOTHING, asks_back, asks_for_help, is_question, tells
from backend.llm.leaning import leans
from backend.llm.lists import BULLET, closed, mark_of, names_titles, without_pointing
from backend.llm.markup import plain, without_code, without_tags
from backend.llm.sentences import split_blocks, split_sentences, with_whole_quotations
from backend.llm.spoken import capitalised, is_interjection, standing_alone, without_filler, without_sounds

NOT_PROSE = re.compile(r"#{1,6} |\||!\[|<[a-zA-Z/!]|={3,}|-{3,}|\s{4,}\S|>{2,}|\$ |https?://\S+$")
HEADING = re.compile(r"#{1,6} ")
# Who speaks: "Ana:", "**Ana Reyes, M.A.:**", "Ana ✌:". A term explained ("Pre-delay: …") has no second capital and
# stays.
PICTURES = r" ?[\u2190-\u2bff\ufe0f\u200d\U0001f000-\U0001faff]{1,4}"  # no letters or vowel signs of any script
SPEAKER = re.compile(
    r"\*{0,2}((?:[A-Z][\w.'’-]*)(?: (?:[A-Z][\w.'’-]*|van|de|von|der|da|del)){0,3}(?:, [A-Z][\w.]{1,6}){0,2})"
    rf"(?:{PICTURES})?:\*{{0,2}}\s+(?=\S)"
)
PICTURE_AT_LAST = re.compile(rf"{PICTURES}$")
ENDING = re.compile(r"[.!?…。！？][\"'”’)\]」』*`]*$")
# Speech that breaks off: behind any other word transcripts write a pause like this, and the statement is made.
TRAILING_OFF = re.compile(
    r"\b(?:an?|the|and|or|but|so|because|which|who|if|when|where|as|(?<!look )(?<!looks )(?<!sounds )(?<!feels )like|"
    r"than|then|to|of|for|from|with|against|between|into|is|are|was|were|be|i|my|your|our|their|his|her|its|very|"
    r"really|maybe|whether|while|since|until|such|mean|um|uh|\w+['’](?:m|s|re|ve|ll|d))[,\s-]*(?:\.{3,}|…)$|"
    # "… we saw that as we added more of them...": what was seen is not said.
    r"\b(?:that|because) (?:as|when|if|since|while|once|whenever|although)\b[^,.;]*(?:\.{3,}|…)$|\bsorry[.!]*$",
    re.IGNORECASE,
)
IN_PARENTHESES = re.compile(r"\((?:[^()]|\([^()]*\))*\)[.!]?$")
# A clause of what was said before: "That I can get tired of it."
CLAUSE = re.compile(r"(?:that|which) (?:i|you|we|they|he|she)\b", re.IGNORECASE)
BECAUSE = re.compile(r"^because ", re.IGNORECASE)
PAUSES = ("...", "…")
SYMBOLS = re.compile(r"[{}=<>\[\];|\\_#@$^~]|\(\)|::|->")
MOST_SYMBOLS = 0.03
FEWEST_WORDS = 4
FEWEST_BEFORE_PAUSE = 8
MOST_WORDS = 75
FEWEST_THANKS = 2
NOTICES = frozenset(
    "note tip warning caution important example summary conclusion update answer question q a tldr result".split()
)
# What a listener says meanwhile ("Right.", "Okay, that makes sense to me.") does not interrupt the speaker.
BACK_CHANNEL_WORDS = 6
# A bit of speech that is no statement has at most so many: "I mean...", "It was, honestly?".
FRAGMENT_WORDS = 6
# So many sentences of the asker's, or of whoever answers, may stand before the answer.
MOST_DIGRESSIONS = 2
YES_OR_NO = re.compile(
    r"(?:yes|no|nope|of course(?: not)?|absolutely(?: not)?|not at all|unfortunately not)\W*", re.IGNORECASE
)
REPLY = re.compile(
    r"(?:no|nope|yes|yep|yeah|sure|exactly|right|true|i (?:do|did|have|am|don['’]t|didn['’]t))\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Sentence:
    """One sentence of a passage.

    `text` reads behind the sentence before it. `place` is its number in the passage; one that `continues` stands right
    behind number `place - 1`. `asked` is the question that it follows, empty where there is none. `of_person`: what is
    asked may be about whoever says it. `speaker` is the name of who says it, empty where that is not known; where it
    `is_named` in what is asked, its stems are among `stems`. `code` is the fenced block that it announces by a colon,
    empty where there is none. `item` is the mark of the list's item that it begins ("-", "2."),
    empty elsewhere; one that `lists` announces the items behind it, and one that is `headed` stands behind a heading.
    What is not asked of every sentence is found out when it is.
    """

    text: str
    place: int
    continues: bool
    stems: tuple[str, ...]
    asked: str
    cut: bool
    of_person: bool
    speaker: str
    is_named: bool
    code: str = ""
    item: str = ""
    lists: bool = False
    headed: bool = False

    @cached_property
    def alone(self) -> str:
        """It without what ties it to the sentence before."""
        return standing_alone(self.text)

    @cached_property
    def leans(self) -> bool:
        """Whether it needs the sentence before to be understood."""
        return leans(self.text, self.alone)

    @cached_property
    def whole(self) -> bool:
        """Whether it is one whole statement in prose: no question, nothing cut off, no code."""
        text = self.text
        return (
            not self.cut
            and bool(ENDING.search(text) or self.code or self.lists)
            and not text.endswith("?")
            and not TRAILING_OFF.search(text)
            and not (text.endswith(('?"', "?”")) and text.startswith(('"', "“")))
            and not is_question(self.alone)
            and text.count("[") == text.count("]")
            and text.count("(") == text.count(")")
            and text.count('"') % 2 == 0
            and text.count("“") == text.count("”")
            and len(SYMBOLS.findall(text)) <= MOST_SYMBOLS * len(text)
        )

    @cached_property
    def usable(self) -> bool:
        """Whether it is whole and also says something by itself."""
        if CLAUSE.match(self.alone):
            return False
        fewest = FEWEST_BEFORE_PAUSE if self.text.endswith(PAUSES) else FEWEST_WORDS
        return self.whole and fewest <= len(words(self.alone)) and len(words(self.text)) <= MOST_WORDS

    @cached_property
    def about_itself(self) -> bool:
        """Whether it is about the talk or the page and not about its subject."""
        return is_about_itself(without_pointing(self.text) if self.lists else self.text)

    @cached_property
    def announces(self) -> bool:
        """Whether it is not about the subject but says what the next one is about."""
        return announces(self.text)

    @cached_property
    def personal(self) -> bool:
        """Whether it tells what the speaker did, feels or is unsure of, and nobody asked for that."""
        return not self.of_person and is_personal(BECAUSE.sub("", self.alone))

    @cached_property
    def secondary(self) -> bool:
        """Whether it is personal, only adds to what was said before it, or stands in parentheses: no answer begins with
        it by choice."""
        return self.personal or is_added(self.alone) or bool(IN_PARENTHESES.match(self.text))

    @cached_property
    def fragment(self) -> bool:
        """Whether it is no whole statement and so short that nothing is missed without it: "I mean...", "It was?"."""
        return not self.whole and self.length <= FRAGMENT_WORDS

    @cached_property
    def decides(self) -> bool:
        """Whether it says yes or no, and nothing else."""
        return bool(YES_OR_NO.fullmatch(self.text))

    @cached_property
    def replies(self) -> bool:
        """Whether it answers what was said right before it: "No, it's not.", "Yes, that is so."."""
        return bool(REPLY.match(self.text))

    @cached_property
    def length(self) -> int:
        """Words."""
        return len(self.text.split())


def read_passage(
    text: str, names: frozenset[str] = frozenset(), *, spoken: bool = False, speaker: str = ""
) -> list[Sentence]:
    """All sentences of the passage in order; headings, tables, a listener's "Right." and all code but short blocks that
    a sentence announces are left out.

    `names` are the stems of a question that asks what somebody did or is, who may be one of those who speak. Speech
    (a recording is `spoken`, and so is what labels a speaker twice) is rid of its filler and of times and sounds in
    brackets, and what is written is not. What no label stands before is said by `speaker`.

    The items of a list go on with what announces them. Who is labelled as a speaker goes on with what was said before,
    in a paragraph of theirs and in another's turn.
    """
    found: list[Sentence] = []
    text, code = without_code(text)
    text = without_tags(text)
    spoken = spoken or labels_again(split_blocks(text))
    every_block = split_blocks(without_sounds(text) if spoken else text)
    blocks = [block for block in every_block if HEADING.match(block) or not NOT_PROSE.match(block)]
    conversation = in_list = elsewhere = headed = False
    asked, digressions = "", 0
    speaker = PICTURE_AT_LAST.sub("", speaker)
    known = named_in(speaker, names)
    for block, following in zip_longest(blocks, blocks[1:], fillvalue=""):
        shown = code.get(following, "") if block.endswith(":") else ""
        announces = block.endswith(":") and not spoken and BULLET.match(following) is not None
        item = BULLET.match(block)
        elsewhere = elsewhere and item is not None
        if block in code or elsewhere:
            continue
        if HEADING.match(block):
            headed = True
            continue
        block = block[item.end() :] if item else block
        said = None if item or not spoken else speaker_of(block)
        if said:
            block = block[said.end() :]
            if found and len(block.split()) <= BACK_CHANNEL_WORDS and not block.endswith("?"):
                continue
            conversation = True
            speaker = said[1]
            known = named_in(speaker, names)
        in_list = bool(item and found) and (in_list or found[-1].lists)
        pieces = with_whole_quotations(split_sentences(plain(block)), MOST_WORDS)
        elsewhere = announces and names_titles(pieces[-1] if pieces else "")
        lists = announces and not elsewhere
        if len(pieces) == 1 and not ENDING.search(pieces[0]) and not (item or shown or lists):
            headed = headed or not conversation
            continue
        for number, piece in enumerate(pieces):
            sentence = without_filler(piece) if spoken else capitalised(piece)
            if item and not (shown or lists) and not ENDING.search(sentence):
                sentence = closed(sentence)
            breaks_off = conversation and 0 < number == len(pieces) - 1 and not ENDING.search(sentence)
            empty = not sentence or is_interjection(sentence)  # "Um." leaves nothing
            if breaks_off or empty or is_repeated(sentence, found):
                continue
            stems = tuple(content_stems(sentence))
            continues = bool(found) and (number > 0 or conversation or in_list)
            of_person = bool(known or (names and not conversation))
            shows = shown if number == len(pieces) - 1 else ""
            all_stems = (*known, *stems)
            told = asks_for_help(asked) and tells(standing_alone(sentence))
            found.append(
                Sentence(
                    sentence,
                    len(found),
                    continues,
                    all_stems,
                    "" if told else asked,
                    is_cut(piece) and not (item and number == 0),
                    of_person,
                    speaker,
                    is_named=bool(known),
                    code=shows,
                    item=mark_of(item) if item and number == 0 and not spoken else "",
                    lists=lists and number == len(pieces) - 1,
                    headed=headed,
                )
            )
            headed = False
            if is_question(standing_alone(sentence)):
                before = found[-2].text if found[-2:-1] else ""
                if is_question(before):
                    asked = f"{asked} {sentence}"
                elif number > 0 and conversation and asks_back(sentence, stems):
                    asked = f"{before} {sentence}"
                else:
                    asked = sentence
                digressions = 0
            elif (told or found[-1].personal) and asks_for_help(asked) and digressions < MOST_DIGRESSIONS:
                digressions += 1
            elif asked and len(stems) > ALMOST_NOTHING and not found[-1].about_itself:
                asked = ""
    # Acknowledgements say of everybody what they did, and nothing of the subject.
    return [] if sum(thanks(sentence.text) for sentence in found) >= FEWEST_THANKS else found


def named_in(speaker: str, names: frozenset[str]) -> tuple[str, ...]:
    """The stems of the speaker's name, if one of them is among `names`."""
    stems = tuple(content_stems(speaker)) if names else ()
    return () if names.isdisjoint(stems) else stems


def speaker_of(block: str) -> re.Match[str] | None:
    """The label at its beginning that may say who speaks."""
    said = SPEAKER.match(block)
    return said if said and said[1].lower() not in NOTICES else None


def labels_again(blocks: Sequence[str]) -> bool:
    """Whether somebody is labelled twice as who speaks; a label that comes once may be a term that is explained."""
    labels = [said[1] for block in blocks if (said := speaker_of(block))]
    return len(set(labels)) < len(labels)


def is_repeated(sentence: str, found: Sequence[Sentence]) -> bool:
    """Whether it was said before; a yes may be said to every question."""
    return any(earlier.text == sentence and not earlier.decides for earlier in found)


def is_cut(piece: str) -> bool:
    """Whether it goes on with what was broken off: "...but not at night."."""
    return piece.lstrip(".… ")[:1].islower()
