"""Fits instructions, sources, history and question into a budget of tokens. Pure."""

import re
from collections.abc import Sequence
from dataclasses import replace

from backend.chat.fences import fence
from backend.chat.instructions import instructions
from backend.chat.persona import temperature, voice
from backend.conversations.models import Turn
from backend.knowledge.models import Creator
from backend.llm.tier import Message, Place, Prompt, PromptSource
from backend.llm.tokens import TokenCounter

# What the chat format adds to each message and to the whole, as OpenAI's counting guide has it.
TOKENS_PER_MESSAGE = 4
TOKENS_PER_PROMPT = 3
# Shares of the budget: a voice never takes more; history takes no more while sources compete with it for the room.
VOICE_SHARE = 8
HISTORY_SHARE = 4
# A passage that would be cut below this is worth less than the sentence it ends in.
SHORTEST_PASSAGE = 24
MARKER = re.compile(r"(?<!\s)\s*+\[\d+\]")  # white space is tried once, from where it begins


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
    so `Prompt.sources` is always a beginning of `sources`. Last of all the question is cut. A voice that would leave
    less than half of the budget is left out.
    """
    system = instructions("answer")
    spoken = voice(shortened(creator, counter, prompt_tokens), personality_weight)
    if spoken and counter.count(f"{system}\n\n{spoken}") <= prompt_tokens // 2:
        system = f"{system}\n\n{spoken}"
    else:
        personality_weight = 0.0
    room = prompt_tokens - size(system, compose("", [], []), counter)
    while True:
        asked = counter.cut(question, room)
        left = room - counter.count(asked)
        turns = newest_turns(history, counter, left // HISTORY_SHARE)
        kept = best_sources(sources, counter, left - cost(turns, counter))
        passages = [passage(source) for source in kept]
        # What the sources leave is for older turns.
        turns = newest_turns(history, counter, left - cost(passages, counter))
        user = compose(asked, passages, turns)
        tokens = size(system, user, counter)
        if tokens <= prompt_tokens or room <= 0:
            break
        # The parts do not always add up: text that is joined can split into other tokens than it did apart.
        room -= tokens - prompt_tokens
    return Prompt(
        messages=(Message("system", system), Message("user", user)),
        question=standalone,
        sources=tuple(kept),
        tokens=tokens,
        max_tokens=answer_tokens,
        temperature=temperature(creator, personality_weight),
        place=place,
        follow_up=f"{instructions('follow_up')}\n\n{compose(asked, passages, [])}",
        turns=tuple(
            Message(turn.role, said) for turn, said in zip(history[len(history) - len(turns) :], turns, strict=True)
        ),
    )


def compose(question: str, passages: Sequence[str], turns: Sequence[str]) -> str:
    """The user's message: data in fences, the question last, where models heed it best."""
    parts = ["<sources>", *passages, "</sources>"]
    if turns:
        parts += ["", "<conversation>", *turns, "</conversation>"]
    return "\n".join([*parts, "", fence("question", question)])


def passage(source: PromptSource) -> str:
    """A source as the model reads it."""
    return fence("source", source.text, index=source.index, creator=source.creator, title=source.title)


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


def shortened(creator: Creator | None, counter: TokenCounter, prompt_tokens: int) -> Creator | None:
    """The creator with a voice that takes no more than its share of the budget."""
    return creator and replace(creator, voice=counter.cut(creator.voice, prompt_tokens // VOICE_SHARE))


def cost(parts: Sequence[str], counter: TokenCounter) -> int:
    """Tokens of parts that are joined by line feeds."""
    return sum(counter.count(part) + 1 for part in parts)


def size(system: str, user: str, counter: TokenCounter) -> int:
    """Tokens of the two messages as an endpoint counts them."""
    return TOKENS_PER_PROMPT + 2 * TOKENS_PER_MESSAGE + counter.count(system) + counter.count(user)
