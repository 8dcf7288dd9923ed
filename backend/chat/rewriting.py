"""Makes a question that leans on the conversation standalone by a small model, where one is configured."""

import asyncio
import logging
import re
import unicodedata
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from backend.chat.fences import TAGS, fence
from backend.chat.instructions import instructions
from backend.chat.prompt import MARKER, newest_turns, size
from backend.conversations.models import Turn
from backend.knowledge.words import content_stems
from backend.llm.breaker import Admission, Breaker
from backend.llm.cascade import Cascade
from backend.llm.opening import openai_tier
from backend.llm.tier import Finish, Message, Prompt, Tier, TierFailure, Token
from backend.llm.tokens import TokenCounter
from backend.retrieval.rewrite import leans_on_history
from backend.settings import Settings
from backend.settings_tiers import OpenAITierSettings

log = logging.getLogger(__name__)

# In tokens. What a question refers to was said lately, and is named where a turn begins.
CONVERSATION_TOKENS, TURN_TOKENS, QUESTION_TOKENS = 800, 150, 500
ANSWER_TOKENS = 120
LONGEST = 1000  # characters
# A small model keeps most words of the conversation; a refusal, an essay or an answer of its own has other words.
SHARED_WORDS = 0.5
FENCE_TAG = re.compile(rf"</?(?:{'|'.join(TAGS)})\b[^>]*>")
# No other words may stand in a label: "Which part of a query: the index or the scan?" is a question as it is.
LABEL = re.compile(
    r"(?:here(?: is|['’]s) )?(?:(?:the|a|an|my|your) )?"
    r"(?:(?:standalone|stand-alone|self-contained|rewritten|rephrased|revised|improved|search|final|new) )*"
    r"(?:questions?|query|queries|rewrite|rewritten|rephrased|standalone|search) ?:\s*",
    re.IGNORECASE,
)
AROUND = " \t\"'“”‘’«»„`*_#>-"
JOINERS = "\u200c\u200d"  # words of some scripts and many emoji need them; everything else that is not seen is refused


class ModelRewriter:
    """Asks one tier, once, and takes no longer than `deadline_s`; not at all while its breaker is open."""

    def __init__(self, tier: Tier, counter: TokenCounter, deadline_s: float, breaker: Breaker | None) -> None:
        self._tier = tier
        self._breaker = breaker
        self._counter = counter
        self._deadline_s = deadline_s

    async def rewrite(self, question: str, history: Sequence[Turn]) -> str | None:
        """The question as it would be asked without the conversation (`history`, oldest first).

        None where it stands alone as it is, and where the model fails, is late or says something else: the
        deterministic rule is for those.
        """
        if not history or not leans_on_history(question):
            return None
        if self._breaker and not await self._breaker.is_closed():
            return None
        try:
            async with asyncio.timeout(self._deadline_s):
                said = await self._ask(self._prompt(question, history))
        except TimeoutError:
            log.warning("tier %s did not rewrite in %.1f s", self._tier.name, self._deadline_s)
            return None
        except TierFailure as failure:
            log.warning("tier %s did not rewrite: %s", self._tier.name, failure.outcome)
            if self._breaker:
                await self._breaker.failed(Admission(), failure)
            return None
        return read_rewritten(said, question, history)

    async def close(self) -> None:
        """Closes the tier's connections."""
        await self._tier.close()

    async def _ask(self, prompt: Prompt) -> str:
        """What the tier says; empty where it does not come to an end within the length of a question."""
        said = ""
        async with aclosing(self._tier.stream(prompt)) as stream:
            async for event in stream:
                match event:
                    case Token(text) if len(said) + len(text) <= 2 * LONGEST:
                        said += text
                    case Finish("stop"):
                        return said
                    case _:
                        break
        return ""

    def _prompt(self, question: str, history: Sequence[Turn]) -> Prompt:
        short = [replace(turn, content=self._counter.cut(turn.content, TURN_TOKENS)) for turn in history]
        turns = newest_turns(short, self._counter, CONVERSATION_TOKENS)
        asked = fence("question", self._counter.cut(question, QUESTION_TOKENS))
        parts = ["<conversation>", *turns, "</conversation>", "", asked]
        system = instructions("rewrite")
        return Prompt(
            messages=(Message("system", system), Message("user", "\n".join(parts))),
            question=question,
            sources=(),
            tokens=size(system, parts, self._counter),
            max_tokens=ANSWER_TOKENS,
            temperature=0.0,
        )


def open_rewriter(settings: Settings, counter: TokenCounter, cascade: Cascade) -> ModelRewriter | None:
    """The rewriter of `retrieval.rewrite`; None where no tier is named, or it lacks its base URL or model.

    A tier that answers in the cascade too has one breaker for both.
    """
    name = settings.retrieval.rewrite.tier
    if name is None:
        return None
    section = settings.tiers[name]
    if not isinstance(section, OpenAITierSettings) or not section.base_url or not section.model:
        log.info("tier %s does not rewrite: it has no base_url or no model", name)
        return None
    tier = openai_tier(name, section.base_url, section.model, section)
    return ModelRewriter(
        tier, counter.for_model(section.model), settings.retrieval.rewrite.deadline_s, cascade.breaker_of(name)
    )


def read_rewritten(said: str, question: str, history: Sequence[Turn]) -> str | None:
    """The question in what a model said, None where there is none: too long, unseen characters, other words, or only
    the question again."""
    lines = [line for line in map(cleaned, FENCE_TAG.sub("\n", said).splitlines()) if line]
    if not lines or len(lines[0]) > LONGEST or any(map(is_unseen, lines[0])):
        return None
    rewritten = lines[0]
    words, asked = set(content_stems(rewritten)), set(content_stems(question))
    conversation = {stem for turn in history for stem in content_stems(turn.content)}
    if not words - asked or (asked and words.isdisjoint(asked)):
        return None
    return rewritten if len(words & (asked | conversation)) >= SHARED_WORDS * len(words) else None


def cleaned(line: str) -> str:
    """A line without labels ("Standalone question:"), footnote markers, quotes and emphasis."""
    text = " ".join(MARKER.sub("", line).split()).strip(AROUND)
    return LABEL.sub("", text, count=1).strip(AROUND) if LABEL.match(text) else text


def is_unseen(character: str) -> bool:
    """Whether a character would steer what shows it: controls, marks of direction, halves of a character."""
    return unicodedata.category(character).startswith("C") and character not in JOINERS
