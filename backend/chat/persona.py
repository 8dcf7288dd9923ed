"""A creator's manner of speaking as part of the prompt. It changes how things are said, never what is said.

With the weight `w` above 0, of a profile that fits its share of the prompt:

- each of tone (sentence by sentence), phrases and what to do shows its first ceil(w · n) of n items,
- what never to do is shown whole, because a prohibition holds at any strength,
- the first floor(w · n) of n sample passages are shown,
- the temperature is 0.2 + 0.4 · w: a voice needs some freedom of words.

So at a quarter there is a touch of tone, and at 1 all that is known. At 0, without a voice, and where the creator has
forbidden it, nothing is added at all, not even a space. The shares and the temperatures are our own choice.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from backend.chat.fences import defuse, fence, plain_name
from backend.chat.instructions import instructions
from backend.knowledge.models import Creator
from backend.knowledge.sentences import sentence_spans
from backend.llm.tokens import TokenCounter

NEUTRAL_TEMPERATURE = 0.2
FULL_TEMPERATURE = 0.6


@dataclass(frozen=True, slots=True)
class Voice:
    """A creator's voice in the pieces that a prompt shows, the most telling first; of `samples` only the text."""

    name: str
    dont: tuple[str, ...] = ()
    tone: tuple[str, ...] = ()
    do: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to sound like."""
        return bool(self.tone or self.do or self.phrases or self.samples)


def is_forbidden(creator: Creator | None) -> bool:
    """Whether the creator is one who wants no answer to sound like them."""
    return creator is not None and not (creator.persona and (creator.profile is None or creator.profile.persona))


def voice_of(creator: Creator | None) -> Voice | None:
    """How the creator sounds: by their profile, else by their own description; None where nobody may or can speak."""
    if creator is None or is_forbidden(creator):
        return None
    profile = creator.profile
    if profile is None:
        voice = Voice(creator.name, tone=_sentences(creator.voice))
    else:
        measured = [("Sentences", profile.sentences), ("Person", profile.person)]
        voice = Voice(
            name=creator.name,
            dont=_lines(profile.dont),
            tone=(*_sentences(profile.voice), *(f"{label}: {_line(text)}" for label, text in measured if text.strip())),
            do=_lines(profile.do),
            phrases=_lines(profile.phrases),
            samples=tuple(sample.text.strip() for sample in profile.samples if sample.text.strip()),
        )
    return voice or None


def spoken(voice: Voice | None, weight: float, counter: TokenCounter, room: int) -> str:
    """The addition to the instructions at a weight from 0 to 1, of at most `room` tokens; empty where nobody speaks.

    What has no room even at weight 1 is left out first, the least telling before the others, and the weight is applied
    to the rest: so more weight is more voice, whatever the room is.
    """
    if voice is None or weight <= 0:
        return ""
    fitting = fitted(voice, lambda less: counter.count(written(less, 1.0)) <= room)
    shown = fitting and weighted(fitting, weight)
    return written(shown, weight) if shown else ""


def temperature(weight: float) -> float:
    """From 0.2 for a neutral answer, in a straight line to 0.6 at weight 1."""
    return round(NEUTRAL_TEMPERATURE + (FULL_TEMPERATURE - NEUTRAL_TEMPERATURE) * weight, 3)


def weighted(voice: Voice, weight: float) -> Voice:
    """The share of the voice that is shown at this weight, as the head of this module says."""

    def share(items: tuple[str, ...]) -> tuple[str, ...]:
        # 0.07 * 100 is a little more than 7 to a computer, and would be rounded up to 8.
        return items[: max(1, math.ceil(weight * len(items) - 1e-9))]

    return replace(
        voice,
        tone=share(voice.tone),
        do=share(voice.do),
        phrases=share(voice.phrases),
        samples=voice.samples[: math.floor(weight * len(voice.samples) + 1e-9)],
    )


def fitted(voice: Voice, fits: Callable[[Voice], bool]) -> Voice | None:
    """The largest beginning of the voice that fits, in the order of the fields; None where nothing of it does.

    `fits` is true of less where it is true of more.
    """
    parts = ("dont", "tone", "do", "phrases", "samples")
    pieces = [(part, piece) for part in parts for piece in getattr(voice, part)]

    def beginning(length: int) -> Voice:
        kept: dict[str, tuple[str, ...]] = dict.fromkeys(parts, ())
        for part, piece in pieces[:length]:
            kept[part] += (piece,)
        return Voice(voice.name, **kept)

    least, most = 0, len(pieces)
    while least < most:
        middle = (least + most + 1) // 2
        if fits(beginning(middle)):
            least = middle
        else:
            most = middle - 1
    return beginning(least) or None


def written(voice: Voice, weight: float) -> str:
    """The rules, and the voice in its fence."""
    lines = [
        *voice.tone,
        *(["Phrases: " + " · ".join(voice.phrases)] if voice.phrases else []),
        *(f"Does: {rule}" for rule in voice.do),
        *(f"Never: {rule}" for rule in voice.dont),
    ]
    fenced = [f'<voice name="{plain_name(voice.name)}">', *map(defuse, lines)]
    fenced += [*(fence("sample", sample) for sample in voice.samples), "</voice>"]
    rules = instructions("voice").format(percent=max(1, round(100 * weight)))
    return "\n".join([rules, "", *fenced])


def _sentences(text: str) -> tuple[str, ...]:
    line = _line(text)
    return tuple(line[start:end] for start, end in sentence_spans(line))


def _lines(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, map(_line, texts)))


def _line(text: str) -> str:
    return " ".join(text.split())
