"""Fits instructions, sources, history and question into a budget of tokens. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from backend.chat.fences import fence
from backend.chat.instructions import instructions
from backend.chat.persona import spoken, temperature, voice_of
from backend.conversations.models import Turn
from backend.knowledge.models import Creator
from backend.llm.tier import Message, Place, Prompt, PromptSource
from backend.llm.tokens import TokenCounter

# What the chat format adds to each message and to the whole, as OpenAI's counting guide has it.
TOKENS_PER_MESSAGE = 4
TOKENS_PER_PROMPT = 3
# Shares of the budget: a voice never takes more; history takes no more while sources compete with it for the room.
VOICE_SHARE = 6
HISTORY_SHARE = 4
# Tokens that can appear where two texts are joined.
JOINT = 8
# A passage that would be cut below this is worth less than the sentence it ends in.
SHORTEST_PASSAGE = 24
MARKER = re.compile(r"(?<!\s)\s*+\[[0-9]+\]")  # white space is tried once, from where it begins


def assemble(
    *,
    question: str,
    standalone: str,
    sources: Sequence[PromptSource],
    history: Sequence[Turn],
    creator: Creator | None,
    personality_weight: float,
    counter: TokenCounter,
    prompt_tokens: int,
    answer_tokens: int,
    place: Place | None = None,
) -> Prompt:
    """The prompt for one question; `Prompt.tokens` is never above `prompt_tokens`, which is at least 500.

    `question` is what the visitor wrote, `standalone` what was searched; `sources` are best first, `history` is oldest
    first. Whole passages are dropped, the worst first, before the best one is cut, and older turns before newer ones,
    so `Prompt.sources` is always a beginning of `sources`. Last of all the question is cut. A voice takes the room of
    older turns alone, so that the sources are the same at any weight; where there is none, `personality_weight` is 0.
    """
    system, weight = instructions("answer"), 0.0
    fitted = fit(system, question, sources, history, counter, prompt_tokens)
    room = min(prompt_tokens // VOICE_SHARE, fitted.spare - JOINT)
    if added := spoken(voice_of(creator), personality_weight, counter, room):
        with_voice = f"{system}\n\n{added}"
        voiced = fit(with_voice, question, fitted.sources, history, counter, prompt_tokens)
        if (voiced.asked, voiced.sources) == (fitted.asked, fitted.sources):
            system, weight, fitted = with_voice, personality_weight, voiced
    return Prompt(
        messages=(Message("system", system), Message("user", fitted.user)),
        question=standalone,
        sources=fitted.sources,
        tokens=fitted.tokens,
        max_tokens=answer_tokens,
        temperature=temperature(weight),
        personality_weight=weight,
        place=place,
        follow_up="\n".join([instructions("follow_up"), "", *layout(fitted.asked, fitted.passages, [])]),
        turns=tuple(
            Message(turn.role, said)
            for turn, said in zip(history[len(history) - len(fitted.turns) :], fitted.turns, strict=True)
        ),
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """What fits into a budget, and how many tokens it takes; `spare` are those that older turns had, or nobody."""

    asked: str
    sources: tuple[PromptSource, ...]
    passages: list[str]
    turns: list[str]
    user: str
    tokens: int
    spare: int


def fit(
    system: str,
    question: str,
    sources: Sequence[PromptSource],
    history: Sequence[Turn],
    counter: TokenCounter,
    prompt_tokens: int,
) -> Fitted:
    """Chooses from sources and history, and cuts what must be cut, as `assemble` says."""
    room = prompt_tokens - size(system, layout("", [], []), counter)
    while True:
        asked = counter.cut(question, room)
        left = room - counter.count(asked)
        turns = newest_turns(history, counter, left // HISTORY_SHARE)
        kept = best_sources(sources, counter, left - cost(turns, counter))
        passages = [passage(source) for source in kept]
        # What the sources leave is for older turns.
        spare = left - cost(turns, counter) - cost(passages, counter)
        turns = newest_turns(history, counter, left - cost(passages, counter))
        parts = layout(asked, passages, turns)
        tokens = size(system, parts, counter)
        if tokens <= prompt_tokens or room <= 0:
            return Fitted(asked, tuple(kept), passages, turns, "\n".join(parts), tokens, spare)
        # Within a fence text can split into other tokens than it did apart.
        room -= tokens - prompt_tokens


def layout(question: str, passages: Sequence[str], turns: Sequence[str]) -> list[str]:
    """The parts of the user's message, to be joined by line feeds: data in fences, the question last, where models heed
    it best."""
    parts = ["<sources>", *passages, "</sources>"]
    if turns:
        parts += ["", "<conversation>", *turns, "</conversation>"]
    return [*parts, "", fence("question", question)]


def passage(source: PromptSource) -> str:
    """A source as the model reads it."""
    said_by = {} if source.speaker is None else {"speaker": source.speaker}
    return fence("source", source.text, index=source.index, creator=source.creator, title=source.title, **said_by)


def best_sources(sources: Sequence[PromptSource], counter: TokenCounter, room: int) -> list[PromptSource]:
    """The longest beginning that fits; the best one cut where not even it fits whole."""
    kept: list[PromptSource] = []
    for source in sources:
        price = cost([passage(source)], counter)
        if price > room:
            break
        kept.append(source)
        room -= price
    if sources and not kept:
        best = sources[0]
        for_text = room - cost([passage(replace(best, text="…"))], counter)
        if for_text >= SHORTEST_PASSAGE:
            kept.append(replace(best, text=f"{counter.cut(best.text, for_text)}…"))
    return kept


def newest_turns(history: Sequence[Turn], counter: TokenCounter, room: int) -> list[str]:
    """The newest turns that fit, oldest first. Their markers are gone: they numbered other sources."""
    kept: list[str] = []
    for turn in reversed(history):
        said = fence("turn", MARKER.sub("", turn.content) if turn.role == "assistant" else turn.content, role=turn.role)
        price = cost([said], counter)
        if price > room:
            break
        kept.append(said)
        room -= price
    return kept[::-1]


def cost(parts: Sequence[str], counter: TokenCounter) -> int:
    """Tokens of parts that are joined by line feeds."""
    return sum(counter.count(part) + 1 for part in parts)


def size(system: str, parts: Sequence[str], counter: TokenCounter) -> int:
    """Tokens of the two messages as an endpoint counts them, or a few more.

    Every part begins and ends with a tag, or is empty, and no token reaches from one line to the next over `>` and `<`.
    So the parts take no more tokens together than apart, where those that came up before need not be counted again.
    """
    return TOKENS_PER_PROMPT + 2 * TOKENS_PER_MESSAGE + counter.count(system) + cost(parts, counter)
