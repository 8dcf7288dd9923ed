"""A creator's manner of speaking as part of the prompt. It changes how things are said, never what is said."""

from backend.chat.fences import fence, plain_name
from backend.chat.instructions import instructions
from backend.knowledge.models import Creator

NEUTRAL_TEMPERATURE = 0.2
FULL_TEMPERATURE = 0.6


def speaks(creator: Creator | None, weight: float) -> bool:
    """Whether a voice is in the prompt at all: only above 0, of a chosen creator, who has one."""
    return weight > 0 and creator is not None and bool(creator.voice.strip())


def voice(creator: Creator | None, weight: float) -> str:
    """The addition to the instructions, empty where nobody speaks. The strength is `round(100 * weight)` of 100."""
    if creator is None or not speaks(creator, weight):
        return ""
    rules = instructions("voice").format(name=plain_name(creator.name), percent=round(100 * weight))
    return f"{rules}\n\n{fence('voice', creator.voice.strip())}"


def temperature(creator: Creator | None, weight: float) -> float:
    """From 0.2 for a neutral answer, in a straight line to 0.6 at weight 1: a voice needs some freedom of words."""
    if not speaks(creator, weight):
        return NEUTRAL_TEMPERATURE
    return round(NEUTRAL_TEMPERATURE + (FULL_TEMPERATURE - NEUTRAL_TEMPERATURE) * weight, 3)
