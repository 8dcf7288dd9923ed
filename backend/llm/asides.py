"""Sentences that are not about the subject: they speak of the talk or the page, or of the speaker. Pure."""

import re

# "I will show you", "we were talking", "let me tell you".
SPEAKING = (
    r"(?:i|we)(?:['’]ll|['’]m| am| are|['’]re| will| could| can| wanna| want to|['’]d like to| was| were| have)?"
    r"(?: just| also| now| here| gonna| going| to| be| been| really| mostly)* "
    r"(?:talk|talking|show|showing|touch|discuss|cover|look at|get to|see more|move on|tell|telling|spoil|ask|present|"
    r"give (?:you|my|an?)|walk (?:you|through)|passionate|excited|wonder|wondering|curious)",
    r"let['’]?s (?:get|jump|dive|move|talk|start|look|go|break|discover|discuss|begin|turn|take a|see|do|hear)",
    r"let me",
    r"tell (?:them|us|me|the listeners)",
    r"as (?:i|we) (?:said|mentioned)",
    r"(?:today|now) (?:i|we)(?: want|['’]ll|['’]m| are)",
    r"my name is|welcome (?:back|to)",
    r"thanks for (?:watching|listening)|thank you (?:for|so|very)",
)
ASKING = (
    r"(?:asks?|asked|asking|wondering|wonders?)(?: (?:me|us|you|how|what|which|why|if|whether|about))",
    r"the question|people (?:ask|write)|you might be thinking",
)
OF_THE_PAGE = (
    r"subscribe|sponsors? of (?:this|the|our)|(?:our|today['’]s) sponsors?|show notes|slides?|contact me",
    r"as follows|the following|figure \d|(?:shown|see|described|mentioned|as) (?:below|above|here|earlier)",
    r"link (?:in|below)|in the chat|more resources|learn more about|just to highlight|(?:just|also) a highlight",
    r"(?:the|this) (?:first|second|third|next|last|following|above|previous|simple|same) "
    r"(?:example|program|section|listing|snippet|paragraph)",
    r"in the next (?:\w+ )?(?:minutes?|section|part)|this presentation",
    r"in this (?:article|post|video|episode|talk|section|chapter|lesson|presentation|webinar)",
)
FIRST_WORDS = (
    r"asks\b|see (?:[\"“A-Z]|also|the (?:post|article|section|documentation|talk))|"
    r"(?:read|check out|click|download|register)\b"
)
ABOUT_ITSELF = re.compile(rf"^(?:{FIRST_WORDS})|\b(?:{'|'.join((*SPEAKING, *ASKING, *OF_THE_PAGE))})\b", re.IGNORECASE)
# Tells what the speaker did or feels, where the subject is asked for.
PERSONAL = re.compile(
    r"(?:\w+ recently, |recently, |honestly, |for me,? )?(?:when )?(?:i|we)(?:['’]ve|['’]d)? (?:just )?"
    r"(?:was|were|had|thought|ran|joined|remember|hope|love|feel like|got|did|went|started|saw|would love|been|wanted|"
    r"heard|noticed)\b",
    re.IGNORECASE,
)


def is_about_itself(sentence: str) -> bool:
    """Whether it is about the talk or the page and not about its subject."""
    return bool(ABOUT_ITSELF.search(sentence))


def is_personal(sentence: str) -> bool:
    """Whether it tells what the speaker did or feels."""
    return bool(PERSONAL.match(sentence))
