"""What a prompt and an answer may have with one tier, in tokens and in money."""

from dataclasses import dataclass

from backend.llm.tokens import TokenCounter, exact_counter


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens that a prompt and an answer may have, as `counter` counts them for the tier's model."""

    counter: TokenCounter
    prompt_tokens: int
    answer_tokens: int


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, in any currency."""

    prompt: float = 0.0
    completion: float = 0.0

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1_000_000


class AnswerCap:
    """Ends an answer at `limit` tokens, for upstreams that do not heed the limit they are told.

    A token is at least a byte, so text is counted only once it has as many bytes as tokens are left: never in a short
    answer, and a dozen times in a long one. Where an estimate, which errs towards too many, says that it is too long,
    all of it is counted anew by all ranks, which takes 0.3 s the first time.
    """

    def __init__(self, counter: TokenCounter, limit: int) -> None:
        self.reached = False
        self._counter = counter
        self._limit = self._tokens_left = limit
        self._counted: list[str] = []
        self._uncounted: list[str] = []
        self._bytes = 0

    def take(self, text: str) -> str:
        """The text, or as much of it as fits; then `reached` is True."""
        self._uncounted.append(text)
        self._bytes += len(text.encode())
        return text if self._bytes < self._tokens_left else self._count(text)

    def _count(self, text: str) -> str:
        uncounted = "".join(self._uncounted)
        tokens = self._counter.count(uncounted)
        if tokens < self._tokens_left:
            self._tokens_left -= tokens
            self._counted.append(uncounted)
            self._uncounted.clear()
            self._bytes = 0
            return text
        if self._counter is not exact_counter():
            self._counter, self._tokens_left = exact_counter(), self._limit
            self._uncounted = [*self._counted, uncounted]
            return self._count(text)
        self.reached = True
        before = len(uncounted) - len(text)
        return self._counter.cut(uncounted, self._tokens_left)[before:]
