"""What transcribers put in brackets and nobody said: laughter, applause, and what could not be understood."""

import re

_HEARD = (
    r"laugh\w*|chuckl\w*|giggl\w*|applau\w*|clap\w*|cheer\w*|cough\w*|sigh\w*|gasp\w*|snort\w*|sniff\w*|breath\w*|"
    r"whisper\w*|sing(?:s|ing)|humming|beatbox\w*|whistl\w*|music|jingle|song|sample|bleep\w*|ring(?:s|ing)|alert|echo|"
    r"silence|pause|noise|static|clear\w* throat"
)
_SURE = r"laugh\w*|chuckl\w*|applau\w*"  # what parentheses hold, where people also put asides
_UNHEARD = r"unintelligible|inaudible|indistinct|cross-?talk"
_TIME = r"(?:\s+[\d:.,]+)?"
_UNHEARD_MARK = re.compile(rf"\s*[\[(](?:\w+ )?(?:{_UNHEARD}){_TIME}[\])]", re.IGNORECASE)
_SOUND_MARK = re.compile(
    rf"\s*(?:\[(?:[\w']+,? ){{0,3}}(?:{_HEARD})(?: [\w']+){{0,2}}{_TIME}\]|\((?:\w+ )?(?:{_SURE})\)|[♪♫]+)",
    re.IGNORECASE,
)
_ONLY_SOUND = re.compile(r"(?:[\[(][^\])]*[\])]|[♪♫\s]+|♪.*♪)", re.DOTALL)
MOST_ASIDE, MOST_BRACKETED = 5, 8  # words


def without_sounds(text: str) -> str:
    """The words that were said; "…" stands where some could not be understood."""
    return _SOUND_MARK.sub("", _UNHEARD_MARK.sub(" …", text)).strip()


def is_sound(text: str) -> bool:
    """Whether a caption holds nothing but a sound: a few words in brackets, or what is between notes.

    More words in brackets are said: "(except for pretzels, where it goes in first)".
    """
    most = MOST_ASIDE if text.startswith("(") else MOST_BRACKETED
    return _ONLY_SOUND.fullmatch(text) is not None and (text.startswith("♪") or len(text.split()) <= most)
