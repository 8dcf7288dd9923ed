"""Trims what people say while they think, so that a spoken sentence reads like a written one."""

import re
from collections.abc import Sequence

from backend.knowledge.words import content_stems

PAUSE = r"(?:,|\s*[-–—…]+|\.{3})\s+"
# Said before the sentence begins, always followed by a pause.
PAUSED_OPENER = re.compile(
    r"(?:i would say|i['’]d say|i would offer|i have to say|"
    r"so|um+|uh+|erm?|ah|oh|hm+|well|okay|ok|alright|all right|yeah|yep|anyways?|honestly|basically|actually|"
    rf"you see|you know|i mean|i guess|i think|again|and|but|or){PAUSE}",
    re.IGNORECASE,
)
# In writing these begin a list or say what to do: "Look, listen, learn."
# Machines write "So You know I've seen it." without a pause; "You know it when you hear it." is a statement.
SPOKEN_OPENER = re.compile(
    rf"(?:look|listen|see|like|right|now){PAUSE}|"
    r"(?:so |and |but )?you know (?=(?:i|we)(?:['’]\w+| (?:was|were|have|had|am|are|did|would)\b))"
    r"(?!.*\b(?:because|by|when|if|from|since)\b)",
    re.IGNORECASE,
)
# "There's -- I use a small one": begun again before anything was said. "We took -- I think it was a van" goes on.
FALSE_START = re.compile(
    r"(?!(?:no|not|yes|why|what|how|who|when|where|which)\b)(?:[\w'’]+,? ){0,5}[\w'’]+,? ?--\s+"
    r"(?=(?:(?:like|you know|i mean|well|okay|so),? )*"
    r"(?!(?:i think|i guess|i believe|maybe) it|i (?:don['’]t|can['’]t|didn['’]t)\b)"
    r"(?:i|you|we|they|he|she|it|there|that|this|everyone|everybody|people)\b)",
    re.IGNORECASE,
)
# Ties to the sentence before; in a sentence that stands alone they dangle.
CONNECTIVE = re.compile(
    r"(?:(?!so as\b|or else\b)(?:and|but|so|or|yet|therefore|thus|hence)\s+"
    r"(?!much\b|many\b|far\b|long\b|that\b(?!['’]|\s+(?:is|was|means|makes)\b)|called\b|little\b|few\b)|"
    # A reason stays with what it is the reason of: "Because of the ceiling, …", "Because it is low, …".
    r"because\s+(?!of\b)(?=then\b|it['’]s like\b|[^,]*(?:$|,\s+(?:and|but|or|so|which)\b))|"
    r"whereas\s+(?=for (?:\w+ ){0,2}\w+,)|"
    r"plus\s+(?=(?:the|you|we|i|it|they|there|that|this)\b)|"
    r"also\s+(?=be\b|note\b|you\b|we\b)|then\s+(?=(?:you|we|i|they|it|the|there)\b)|"
    r"(?:however|therefore|thus|hence|also|moreover|furthermore|additionally|in addition|consequently|as a result|"
    r"nevertheless|nonetheless|still|instead|similarly|likewise|conversely|meanwhile|then|for example|for instance|"
    r"in fact|of course|on the other hand|in other words|at the same time|by the way|finally|"
    r"first(?!, second)|second|third|"
    r"firstly|secondly|thirdly|next|again|besides|indeed|after all|that said|what['’]s more|in short|"
    r"in particular)(?:,|\s*[-–—])\s+)",
    re.IGNORECASE,
)
# "UM researchers" work at a university.
HESITATION = re.compile(r"(?:(?<=\s)|^)(?:[Uu]m+|[Uu]h+|[Ee]rm|[Uu]hm)\b[,.…]*\s*")
PARENTHETIC = re.compile(
    r",\s*(?:you know|i mean|like|kind of|sort of|right|okay|obviously|basically|actually|as i said|let's say|i guess|"
    r"if you will|or whatever)\s*,\s*",
    re.IGNORECASE,
)
# "You kind of wrap it", but not "a kind of wrapper".
HEDGE = re.compile(
    r"(?<=\s)(?:(?<=\bI )|(?<=\byou )|(?<=\bwe )|(?<=\bthey )|(?<=\bit )|(?<=\bis )|(?<=\bare )|"
    r"(?<=['’]s )|(?<=['’]re )|"
    r"(?<=\bwas )|(?<=\bhad )|(?<=\bhave )|(?<=\bto )|(?<=\bcan )|(?<=\bcould )|(?<=\bwould )|(?<=\band )|"
    r"(?<=\bbut )|(?<=\bjust ))"
    r"(?:kind|sort) of\s+(?!an?\b|the\b|like an?\b)",
    re.IGNORECASE,
)
TRAILING = re.compile(
    r"(?:,\s+(?:right|okay|i guess|i think)|,?\s+(?:you know|or whatever|or something|and so on))([.!])$",
    re.I,
)
# "It gets modified, and so...": what was said is whole.
DANGLING = re.compile(r",\s+(?:and|but|or|so|and so),?(?=\.{3,}$|…$)", re.IGNORECASE)
TAG_QUESTION = re.compile(r",\s*(?:right|okay|ok|you know|yeah|huh)\?$", re.IGNORECASE)
STUTTER = re.compile(
    r"\b((?!that\b(?!['’])|had\b|very\b|really\b|many\b|much\b|\d)[\w'’]+(?: [\w'’]+){0,4})(?:(?:,|-|\.\.\.|…)? \1\b)+",
    re.I,
)
# "A set of rules, sorry, a set of rules": said again.
CORRECTED = re.compile(r"\b([\w'’]+(?: [\w'’]+){0,6}),? sorry,? (?=\1\b)", re.IGNORECASE)
# Said twice, these mean what they say.
NUMERAL = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|(?:thir|four|fif|six|seven|eigh|nine)teen|"
    r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million)\b",
    re.IGNORECASE,
)
# "Right, left and centre": here it is a side and no filler.
SIDES = re.compile(r"\bleft\b.*\bright\b|\bright\b.*\bleft\b", re.IGNORECASE)
# All that some sentences of a conversation say: "Wow.", "Okay, that's right."
INTERJECTIONS = re.compile(
    r"(?:(?:oh|ah|ok|okay|yeah|right|exactly|sure|wow|awesome|cool|nice|great|fantastic|amazing|excellent|perfect|"
    r"absolutely|definitely|totally|certainly|gotcha|got it|i see|i agree|makes sense|fair enough|good question|"
    r"there you go|here (?:you|we) go|never mind|"
    r"thank you|thanks|that['’]s (?:right|true|fair|great|awesome|cool|interesting|funny|it))\b[\s,.!…-]*)+",
    re.IGNORECASE,
)
SOUND = re.compile(
    r"[ \t]*(?:\\?\[(?:\d{1,2}:)?\d{1,2}:\d{2}\\?\]|"
    r"\\?[\[(](?:music|laughter|laughs?|laughing|applause|inaudible|unintelligible|crosstalk|chuckles?)[^\])]{0,20}[\])])"
    r"[ \t]*",
    re.IGNORECASE,
)

# Without one of these words, nothing but an opener or a stutter is looked for: most sentences are spared the search.
FILLERS = frozenset(
    "um umm uh uhh er erm uhm know mean like kind sort right okay ok yeah huh obviously basically actually said say "
    "guess will whatever something on think".split()
)
APOSTROPHE = re.compile(r"['’]")
SPACE_BEFORE_MARK = re.compile(r"\s+([,.;:!?])")
PLAIN_FIRST_WORD = re.compile(r"[^\W\d_][^\W\d_A-Z]*(?:['’][a-z]+)?[,;:]?(?=\s|[.!]?$)")


def without_sounds(text: str) -> str:
    """The text without what a transcript notes beside the words: times, laughter, music."""
    return SOUND.sub(" ", text) if "[" in text or "(" in text else text


def without_filler(sentence: str) -> str:
    """What somebody says without hesitation, stutter and padding; what it says and its other words stay."""
    text = sentence.strip()
    if SIDES.search(text):
        return capitalised(text)
    text = without_opener(without_false_start(without_opener(text)))
    spoken = [word.strip(".,-…!?").lower() for word in text.split()]
    if not FILLERS.isdisjoint(spoken):
        text = without_opener(HESITATION.sub("", TAG_QUESTION.sub(".", text)))
        text = TRAILING.sub(r"\1", HEDGE.sub("", PARENTHETIC.sub(" ", text)))
    text = DANGLING.sub("", text)
    if "sorry" in spoken:
        text = CORRECTED.sub("", text)
    if says_twice([APOSTROPHE.split(word)[0] for word in spoken]):
        text = STUTTER.sub(said_once, text)
    if text != sentence:
        text = SPACE_BEFORE_MARK.sub(r"\1", " ".join(text.split())).replace(",,", ",")
    return capitalised(text)


def without_opener(sentence: str) -> str:
    """The sentence without what is said before it begins."""
    while trimmed := PAUSED_OPENER.match(sentence) or SPOKEN_OPENER.match(sentence):
        sentence = sentence[trimmed.end() :]
    return sentence


def without_false_start(sentence: str) -> str:
    """The sentence from where it begins again, if no word of content is lost."""
    start = FALSE_START.match(sentence)
    return sentence[start.end() :] if start and FILLERS.issuperset(content_stems(start[0])) else sentence


def said_once(stutter: re.Match[str]) -> str:
    """What is repeated, once; "Duran Duran" and "fifty fifty" stay."""
    is_name = all(word[0].isupper() and content_stems(word) for word in stutter[1].split())
    return stutter[0] if is_name or NUMERAL.search(stutter[1]) else stutter[1]


def is_interjection(sentence: str) -> bool:
    """Whether it is nothing but "Wow." or the like."""
    return bool(INTERJECTIONS.fullmatch(sentence))


def says_twice(spoken: Sequence[str]) -> bool:
    """Whether up to five words come again right behind themselves."""
    return any(
        spoken[place + count] == word and spoken[place : place + count] == spoken[place + count : place + 2 * count]
        for place, word in enumerate(spoken)
        for count in range(1, min(6, len(spoken) - place))
    )


def standing_alone(sentence: str) -> str:
    """The sentence without the words that tie it to the one before."""
    text = sentence
    while (tie := CONNECTIVE.match(text) or PAUSED_OPENER.match(text)) and len(text) - tie.end() > 12:
        text = text[tie.end() :]
    return capitalised(text)


def capitalised(sentence: str) -> str:
    """With a capital first letter, unless the first word is a name that begins small, like `iPhone`."""
    return sentence[:1].upper() + sentence[1:] if PLAIN_FIRST_WORD.match(sentence) else sentence
