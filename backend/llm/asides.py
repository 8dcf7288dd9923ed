"""Sentences that are not about the subject: they speak of the talk or the page, or of the speaker. Pure."""

import re

# "I will show you", "we were talking", "let me tell you".
SPEAKING = (
    r"(?:i|we)(?:['’]ll|['’]m| am| are|['’]re|['’]ve| have| will| could| can| wanna| want to| aim to|['’]d like to|"
    r" would like to| was| were)"
    r"(?: just| also| now| here| already| quickly| briefly| gonna| going| to| be| been| really| mostly)* "
    r"(?:talk|talking|spoken|talked|show|showing|touch|discuss|cover|covered|look at|get to|see more|move on|"
    r"tell|telling|spoil|ask|present|give (?:you|my|an?)|walk (?:you|through)|go (?:through|over|into)|"
    r"explain|introduce|mention(?:ed)?|say (?:anything|more)|point out|list|share|"
    r"passionate|excited|wonder|wondering|curious|skip)",
    r"(?:i|we)(?: just| also| already)? (?:talk|talked|spoke|discuss|discussed|wonder|mentioned|list|sought to|"
    r"wanted to (?:know|learn|understand|find out))",
    r"let['’]?s (?:get|jump|dive|move|talk|start|look|go|break|discover|discuss|begin|turn|take a|see|do|hear|forget|"
    r"rethink|explore|examine|review|consider|learn|find|check|walk)",
    r"(?:i|we)(?:['’]m| am|['’]re| are)? look(?:ing)? forward to|(?:i|we) hope you|that was a lot",
    r"(?:i|we) (?:would |really |also )*(?:appreciate|welcome) (?:any|your|all)|"
    r"(?:i|we)(?:['’]d| would)(?: also| really)? (?:love|like) to (?:hear|know)|let (?:us|me) know",
    r"(?:i(?:['’]ll| will)(?: just)? provide|"
    r"(?:i|we)(?:['’]ll| will|['’]re gonna| are going to)(?: just)? "
    r"(?:describe|outline|sum up|summari[sz]e|leave (?:you|people|it) (?:there|with|at|on)|cut (?:over|away|back) to))",
    r"let me|i work (?:at|for)|i['’]m also",
    r"tell (?:us|me|the listeners)",
    r"as (?:i|we) (?:said|mentioned)",
    r"(?:today|now) (?:i|we)(?: want|['’]ll|['’]m| are)",
    r"(?:many|most|some|all) of you\b|you (?:may|might)(?: already| all)? (?:be familiar|know)",
    r"can you (?:all )?(?:hear|see) (?:me|my|this|it)|episode \d+|good luck|my name is|welcome (?:back|to)",
    r"thanks for (?:watching|listening)|thank you (?:for|so|very)",
)
ASKING = (
    r"(?:asks?|asked|asking|wondering|wonders?)(?: (?:me|us|you|how|what|which|why|if|whether|about))",
    r"(?:the|this) (?:(?!in\b)\w+ ){0,2}question|follow-?up question|people (?:ask|write)|you might be thinking",
    r"you(?:['’]ve| have|['’]d)?(?: just| also| already| kind of)* "
    r"(?:mentioned|said|told|touched on|brought up|talked about)",
)
OF_THE_PAGE = (
    r"subscribe|sponsors? of (?:this|the|our)|(?:our|today['’]s) sponsors?|show notes|slides?",
    r"as follows|the following|figure \d|(?:shown|see|described|mentioned|as) (?:below|above|here|earlier)",
    r"links? (?:in|below|to|so)\b|as you can (?:see|kind of|tell)|in the chat|"
    r"you (?:can|could|will) see (?:(?:that |how )?(?:this|these|here)\b|an? example\b)|"
    r"to (?:\w+ )?keep (?:it|this|that) (?:(?:a (?:bit|little)|more) )*(?:short|brief|focused)(?: on the point)?[.!]*$|"
    r"for the sake of time|in the interest of time|here on the (?:left|right)|this one next to it|"
    r"(?:this|these|those|here)(?: is| are) just (?:a few|some) (?:more )?examples",
    r"more resources|learn more about|goes? into (?:more|greater|further|much more) (?:details?|depth)|"
    r"(?:tutorial|guide|readme|documentation|docs) (?:(?:that|which) )?"
    r"(?:walks?|takes?|guides?|shows?|explains?|covers?|describes?|goes|introduces?|has more)|"
    r"join (?:us|(?:the|our) (?:[\w-]+ ){0,3}(?:list|community|newsletter|forum|channel|group|slack|discord))|"
    r"(?:for|to get) (?:the latest |any )?(?:updates?|news|announcements) (?:on|about|and|from)|"
    r"just to highlight|(?:just|also) a highlight",
    r"(?:for|find) (?:more|further) (?:on|about|of this|information|details?|documentation)|"
    r"for (?:documentation|details|information) on|a lot to say about",
    r"(?:taking|take|have|worth) an? (?:look|read)\b|"
    r"(?:best|good|great) (?:place|way) to (?:learn|start|read|find|look|see)|"
    r"topic for an? (?:blog )?(?:post|article|talk|video|episode)",
    r"this (?:blog )?(?:article|post|page|section|chapter|video|episode|talk|tutorial) "
    r"(?:(?:is|does not|doesn['’]t) )?(?:about|discuss|describe|explain|cover)(?:e?s)?",
    r"(?:this|today['’]s|this (?:week|month)['’]s) (?:(?:guest|blog) )?(?:article|post) (?:is|was) "
    r"(?:written|contributed) by",
    r"this (?:blog )?(?:article|post) [a-z]+s (?:through|on|how|why|what|you|in|at)\b",
    r"(?:code|source|slides?|examples?) (?:\w+ ){0,6}of this (?:blog )?(?:article|post|talk)",
    r"(?:the|this) (?:first|second|third|next|last|following|above|previous|simple|same) "
    r"(?:(?:example|program|section|listing|snippet|paragraph)|\w+ (?:example|listing|snippet)|"
    r"\w+ program (?:below|above|shows|prints|illustrates))",
    r"(?:quick|fast|brief|short) (?:overview|summary|recap)|"
    r"in the next (?:\w+ )?(?:minutes?|section|part)|this presentation|this discussion|in closing|the [xy][ -]axis",
    r"(?:end|start|rest) of (?:this|the|our) (?:call|session|talk|show|webinar)|"
    r"(?:on|to) (?:the|this|today['’]s) (?:show|podcast)|a (?:little )?bit about (?:me|myself|us)",
    r"in this (?:article|(?:blog )?post|video|episode|talk|section|chapter|lesson|presentation|webinar|tutorial|guide)|"
    r"if you(?: want|(?: would|['’]d) like) to (?:know|learn|read|hear|find out) more(?= (?:about|of|on)\b|[,.!]|$)",
)
FIRST_WORDS = (
    r"asks\b|(?:(?:first|now|next),? )?let us\b|(?:(?:below|here) (?:is|are)|here['’]s)\b|"
    r"see (?:[\"“A-Z]|also|the (?:post|article|section|documentation|talk)|"
    r" ?for (?:more |further )?(?:details|information))|"
    r"(?:taking|moving|going|looking|coming|getting) (?:it|this|on|back|ahead|further|forward|there)"
    r"(?: further| now| again)?[.!]$|"
    r"(?:talking|speaking) about [^,.]*\.$|give (?:me |us )?(?:an|another|a few|some) examples?\b|"
    r"(?:read|check out|click|download|register)\b"
)
# What somebody else says elsewhere, and not what they say: "He goes through the mixes, and she'll tell us why."
OF_OTHERS = (
    r"\b(?:he|she|they)(?: \w+ly)? (?:talks?|speaks?) about\b|"
    r"\b(?:he|she)(?: \w+ly)? (?:goes|walks(?: us| you)?) (?:through|over|into)\b|"
    r"\b(?:he|she|they)(?:['’]ll| will)(?: also| then| now)? (?:talk|tell)\b|"
    r"\b(?:he|she)(?:['’]ll| will)(?: also| then| now)? (?:explain|show|discuss)\b"
)
ABOUT_ITSELF = re.compile(
    rf"^(?:(?:and|but|so|then) )?(?:{FIRST_WORDS})|\b(?:{'|'.join((*SPEAKING, *ASKING, *OF_THE_PAGE))})\b|{OF_OTHERS}",
    re.IGNORECASE,
)
# Thanks at its beginning, as acknowledgements have them; "Thanks to the rain, …" is a reason.
THANKS = re.compile(
    r"(?:(?:and|so|also|finally),? )*(?:(?:many|special|big|huge|a (?:big|huge|special)) thank(?:s| you)\b|"
    r"(?:(?:i|we)(?: would|['’]d)?(?: also)?(?: want to| like to| wanna)? )?(?:thank|thanks(?! to\b))\b)",
    re.IGNORECASE,
)
# Whatever is said before it.
TO_THE_LISTENER = re.compile(
    r"\b(?:feel free|happy|welcome) to (?:\w+ )?(?:contact|reach|e-?mail|message|ask)\b|\bcontact me\b|"
    r"\bthank you(?: all| everyone| very much| so much)?[.!]*$|"
    r"\b(?:i|we)(?:['’]m| am|['’]re| are)(?: \w+ly| very| so)* (?:proud|thrilled|delighted|pleased)\b|"
    r"\bright (?:here|there)[.!…]*$|\bup to you[.!]*$|"
    r"\b(?:bottom|top|left|right|end) of this (?:list|slide|picture|table|figure|diagram|graph)\b|"
    r"\b(?:happy|glad|good|great|nice|pleasure|excited|thrilled) to (?:be here|have you)\b|"
    r"^(?:i['’]m )?sorry\b|\b(?:by|at|on) the chat\b|"
    r"\b(?:we|i)['’]ll (?:get|come) (?:through|to|back to) (?:it|this|that)\b",
    re.IGNORECASE,
)
# Closes a subject, or is about what is said elsewhere, and announces nothing.
CLOSING = re.compile(
    rf"{OF_OTHERS}|"
    r"\b(?:that|this|those|these)(?: was| were| wraps| concludes|['’]s (?:it|all))\b|"
    r"\b(?:i|we)(?:['’]ve| have)(?: \w+)? (?:talked|spoken|discussed|covered|mentioned|seen)\b",
    re.IGNORECASE,
)
# Behind so many characters of a statement it is only a remark at its end: "… of stack traces, as I said earlier."
REMARK_FROM = 60
# What is quoted is not said to the listener.
QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”")
# Tells what the speaker did, feels, is unsure of or adds, where the subject is asked for.
EARLIER = r"(?:(?:\w+ recently|recently|honestly|previously|originally|initially|back then|at first|for me),? )?"
PERSONAL = re.compile(
    rf"{EARLIER}i(?:['’]ve|['’]d| have)?(?: also| never| just| \w+ly)? "
    r"(?:(?!need\b|feed\b|proceed\b)\w+ed|bought|took|made|built|found|wrote|knew|came|left|gave|told|kept)\b"
    r"(?! that\b)|"
    rf"{EARLIER}(?:when )?(?:i|we)(?:['’]ve|['’]d)? (?:just |\w+ly )?"
    r"(?:was|were|had|thought|ran|joined|remember|hope|love|like|enjoy|hate|feel like|got|did|went|started|saw|"
    r"would love|been|wanted|heard|noticed)\b|"
    r"i can (?:\w+ )?(?:understand|relate|imagine)\b|i(?:['’]d| had)? better\b|"
    r"i (?:just |really |still |honestly )?(?:don['’]t|didn['’]t|never|couldn['’]t)(?: even| really)? "
    r"(?:know|knew|understand|understood|remember|recall)\b|"
    r"(?:i think )?(?:nobody|not everyone|not everybody|everyone|everybody) knows\b|"
    r"(?:i|we)(?:['’]m| am|['’]re| are)(?: also| currently)? (?:involved|working|part of|an?|the|here)\b|"
    r"i(?:['’]m| am)(?: also| currently)? (?:based\b|from\b|(?-i:[A-Z])\w+[,.])",
    re.IGNORECASE,
)


# Adds to what was said, or guesses.
ADDING = re.compile(r"(?:maybe|perhaps|also)\b", re.IGNORECASE)

# Sums up what was said, or turns to something else: "So those are some of the costs.", "And also, there is …".
CLOSING_A_POINT = re.compile(
    r"(?:(?:and|but|so) )*(?:also\b|(?:that|this|those|these)(?:['’]s| is| are| was| were)\b)", re.IGNORECASE
)


def is_about_itself(sentence: str) -> bool:
    """Whether it is about the talk or the page and not about its subject."""
    said = QUOTED.sub("“”", sentence)
    found = ABOUT_ITSELF.search(said)
    is_remark = found is not None and found.start() < REMARK_FROM
    return is_remark or thanks(sentence) or TO_THE_LISTENER.search(said) is not None


def thanks(sentence: str) -> bool:
    """Whether it thanks somebody."""
    return bool(THANKS.match(sentence))


def is_personal(sentence: str) -> bool:
    """Whether it tells what the speaker did, feels or is unsure of."""
    return bool(PERSONAL.match(sentence))


def is_added(sentence: str) -> bool:
    """Whether it adds to what was said before it, or guesses."""
    return bool(ADDING.match(sentence))


def closes_a_point(sentence: str) -> bool:
    """Whether it sums up what was said before it, or turns to something else."""
    return bool(CLOSING_A_POINT.match(sentence))


def announces(sentence: str) -> bool:
    """Whether a sentence that is not about the subject says what the next one is about."""
    return is_about_itself(sentence) and not CLOSING.search(sentence)
