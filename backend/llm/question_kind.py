"""What kind of sentence a question asks for, told by its first words, and whether a sentence is of that kind.

Rules of the kind that the question answering tracks of TREC made common: they only tip the scales between sentences
that speak of the subject anyway.
"""

import re
from dataclasses import dataclass

from backend.knowledge.words import words

NUMBERS = (
    r"\b(?:\d[\d.,:]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|"
    r"sixty|seventy|eighty|ninety|hundred|thousand|million|half|double|twice)\b"
)
DATES = (
    r"\b(?:1\d{3}|20\d\d)\b|\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
    r"|\bcentur(?:y|ies)\b|\byears? ago\b|\b\d+(?:st|nd|rd|th)\b"
)
NAMES = r"(?<=[a-z,;:] )(?:[A-Z][\w'’-]+)(?: [A-Z][\w'’-]+)*"
REASONS = (
    r"\b(?:because|since|so that|reasons?|due to|in order to|otherwise|means that|caus\w+|result\w*|"
    r"thanks to|that['’]s why|which makes?|leads? to)\b"
)
STEPS = (
    r"^(?:set|use|start|begin|put|turn|make|try|take|keep|add|move|cut|write|run|create|check|choose|record|listen|avoid|"
    r"never|always|don['’]t|first|then)\b|\byou (?:can|should|need|have to|want to|must|could)\b|\bmust be\b|"
    r"\bby \w+ing\b|"
    r"\b(?:i|we) (?:usually|always|set|use|start|put|begin|aim|recommend)\b"
)
CONDITIONS = r"\b(?:if|when|whenever|as long as|unless|in case|until|once|where)\b"
CHOICES = (
    r"\b(?:better|best|prefer\w*|rather|instead|than|depends?|whereas|while|unlike|difference|differs?|versus|only)\b"
)
ADVICE = (
    r"\b(?:should(?:n['’]t)?|don['’]t|depends?|better|best|worth|recommend\w*|good idea|bad idea|never|always|avoid|"
    r"(?:need|have|want) to|fine)\b"
)
ORIGINS = (
    r"\b(?:start(?:ed|s)?|began|begun|found(?:ed|ers?)|launched|created|born|grew out|the idea|came (?:out|from|up)|"
    r"became|originally)\b"
)

# The first that fits decides.
KINDS: tuple[tuple[str, str, float, re.RegexFlag], ...] = (
    (r"\bhow (?:many|much|long|far|often|loud|big|large|small|short|high|low|old|fast|thick|wide|deep|tall|expensive|"
     r"close)\b|\bwhat (?:number|percent\w*|ratio|level|size|temperature|amount|share|rate)\b", NUMBERS, 1.35,
     re.IGNORECASE),
    (r"\bwhen (?:should|shall|can|could|would|must|may|to|do (?:i|you|we|people)|is it|does it)\b"
     r"|\bwhen (?:is|are|does|do)\b.*\b(?:make sense|pay off|(?-i:better|best|good|useful|helpful|worth\w*|right|wise|"
     r"safe|enough|needed|necessary|appropriate|preferable|faster|easier)(?=\W*$| (?:to|for|than|choice|idea|time)\b))",
     CONDITIONS, 1.3, re.IGNORECASE),
    (r"\bwhere (?:(?:do|should|can|could|would|shall|must) (?:i|we|you|one|people)|to) (?:even )?(?:start|begin)\b",
     STEPS, 1.3, re.IGNORECASE),
    (r"\bhow (?:did|was|were)\b.*\b(?:come about|come to be|become|start|begin|get started|originate|born|founded)\b"
     r"|\borigins? of\b|\bwhere (?:did|does)\b.*\bcome from\b", ORIGINS, 1.35, re.IGNORECASE),
    (r"^\W*(?:\w+ )?when\b|\bwhen (?:did|was|were|is|are|will|has|had|does)\b|\bwhen\W*$"
     r"|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b", DATES, 1.35, re.IGNORECASE),
    (r"\bwhy\b|\bwhat (?:causes?|caused|(?:is|was) the reason)\b|\bwhat(?: is|['’]s) wrong\b", REASONS, 1.35,
     re.IGNORECASE),
    (r"\bwho(?:m|se)?\b|\bwhat (?:person|people|company|organi[sz]ation|group)\b", NAMES, 1.25, re.RegexFlag(0)),
    (r"\bwhere\b|\b(?:what|which) (?:country|city|state|place|region|continent)\b", NAMES, 1.2, re.RegexFlag(0)),
    (r"\b(?:or|versus|vs|differ(?:s|ences?|ent from)?|compared?)\b|\bbetter (?:than|choice)\b|\bthe same\b.* as\b"
     r"|\b(?:is|are|works?|sounds?|looks?|feels?|performs?|makes \w+) better\b|\bwhich\b.*\bshould (?:i|we)\b",
     CHOICES, 1.2, re.IGNORECASE),
    (r"^\W*(?:(?:so|and|but|okay),? )?(?:should(?:n['’]t)? (?:i|we|you|people)|"
     r"is it (?:a |an )?(?:ok|okay|bad|good|safe|worth|wise|fine))\b", ADVICE, 1.2, re.IGNORECASE),
    (r"^\s*how\b(?! (?:does|did|is|are|was|were|has|have)\b)|\bhow (?:do|to|should|can|would)\b"
     r"|\bwhat (?:should|must|can)\b", STEPS, 1.3, re.IGNORECASE),
)  # fmt: skip
DEFINITION = re.compile(
    r"^\s*(?:so,? )?what(?:['’]s| is| are| was| were| does)\s+(?:an?\s+|the\s+)?"
    r"((?:(?!(?:and|or|between|for|made|used|good|like|about|needed|different|wrong|better|than)\b)[\w'’-]++\s*){1,4}?)\s*"
    r"(?:\b(?:mean|do|stand for))?\s*(?:\?|$|,? and (?:what|how|why|when|where|who|can|could|"
    r"may|should|must|will|would|do|does|is|are)\b)",
    re.IGNORECASE,
)
DOING = re.compile(r"^\s*(?:so,? )?what does\b.*\bdo\b", re.IGNORECASE)
DEFINITION_WEIGHT = 2.5

# What these ask for is a word or two, and wants few others around it.
BRIEF = (NUMBERS, DATES, NAMES)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A sentence counts `weight` times as much if what matches in it is not all `known` from the question.

    A `brief` answer is enough where a number, a date or a name is asked for; where it is asked what something is or
    does, the sentence `defines` that; where it `compares`, what is said of one thing is half of the answer.
    """

    pattern: re.Pattern[str]
    weight: float
    known: frozenset[str]
    brief: bool = False
    defines: bool = False
    compares: bool = False

    def strength(self, sentence: str) -> float:
        """How many times as much the sentence counts: 1 where it has nothing of that kind that the question has not."""
        found = any(not self.known.issuperset(words(match[0])) for match in self.pattern.finditer(sentence))
        return self.weight if found else 1.0


# "How did Ana Reyes learn it?", but not "What does Ana say?".
OF_PERSON = re.compile(
    r"\b(?:did|does|do|was|were|is|are|has|had) (?:[A-Z][\w'’-]+(?<!['’]s) ){2,3}"
    r"(?!do\b(?! (?:with|when|for|to|about|if)\b))[a-z]+\b|"
    # "What worried Ana Reyes most?"
    r"^\W*(?:[Ww]hat|[Ww]ho) (?!about\b)[a-z]+ (?:[A-Z][\w'’-]+(?<!['’]s) ){2,3}[a-z]+\b",
)


def is_of_person(question: str) -> bool:
    """Whether it asks what somebody who is named did or is: then what speakers tell of themselves answers it."""
    return bool(OF_PERSON.search(question))


# "How much does it save, and how do I use it?", "Who drew it, and may I use it?"
TWO_QUESTIONS = re.compile(
    r"\b(?:and|or) (?:how|what|why|when|where|who|which|"
    r"(?:can|could|may|should|must|will|would) (?:i|we|you|it|they|he|she|this|that|there|my|our|your|the|an?)|"
    r"(?:do|does|did|is|are) (?:i|we|you|they|he|she|there|my|our|your)|(?:is|does) it)\b",
    re.IGNORECASE,
)


def asks_twice(question: str) -> bool:
    """Whether it asks for something else as well, so that one word is no answer."""
    return bool(TWO_QUESTIONS.search(question))


YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")


def years_in(text: str) -> frozenset[str]:
    """The years that it names in figures."""
    return frozenset(YEAR.findall(text))


# "What does Ana Reyes say about reverb?": whose words are asked for, and what of.
OF_WORDS = re.compile(
    r"^\W*what (?:do|does|did|has|have|would)\s+(?P<who>[^?,]{2,60}?)\s+(?:ever\s+|really\s+)?"
    r"(?:say|said|think|thought|recommend(?:ed)?|advise[ds]?|suggest(?:ed)?|teach|taught|write|written|believe|feel)\s+"
    r"(?:about|of|on|for|regarding)\s+(?P<what>.+)$",
    re.IGNORECASE | re.DOTALL,
)
SEVERAL = re.compile(r"\s*(?:,|&|\band\b)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AskedOf:
    """A question for what somebody, or several people, say of something."""

    who: tuple[str, ...]
    what: str


def asked_of(question: str) -> AskedOf | None:
    """Whose words it asks for, and about what; None where it asks for nobody's."""
    match = OF_WORDS.match(question)
    return AskedOf(tuple(filter(None, SEVERAL.split(match["who"]))), match["what"]) if match else None


def wanted_by(question: str) -> Wanted | None:
    """What the question asks for, None where its words do not tell."""
    if definition := DEFINITION.match(question):
        term = re.escape(definition[1].strip().rstrip("s"))
        # What a thing does is said by any verb, what it is by few.
        verbs = (
            r"(?!is\b|was\b|has\b)\w+s" if DOING.match(question) else "is|are|was|were|means?|refers?|stands?|involves?"
        )
        pattern = (
            rf"^(?:an?\s+|the\s+|i think\s+)*{term}\w{{0,3}},?\s+(?:\w+ly\s+)?"
            rf"(?:{verbs})\b(?!\s+not\b)|"
            # "… of the pprof format; this is an open standard …", but not "What is it? It is a good question."
            rf"\b{term}\w{{0,3}}[.,;:?]\s+(?:and\s+)?(?:this(?: \w+)?|it|they|these)(?:['’]s|['’]re| is| are| means?)\b"
            r"(?!.*\bquestion)|"
            rf"\b(?:called|termed|known as|defines?(?: \w+){{0,3}}?)\s+(?:an?\s+|the\s+)?{term}"
            # "A tool called Bass Trap Maker" does not say what a bass trap is.
            r"(?!\w*\s+(?!(?:and|or|but|because|in|is|was|are|which|that|as|when|for|if)\b)\w)"
        )
        return Wanted(re.compile(pattern, re.IGNORECASE), DEFINITION_WEIGHT, frozenset(), defines=True)
    for asks, says, weight, flags in KINDS:
        if re.search(asks, question, re.IGNORECASE):
            known = frozenset(words(question))
            return Wanted(re.compile(says, flags), weight, known, brief=says in BRIEF, compares=says == CHOICES)
    return None
