"""What the chunks of a streamed chat completion say: text, how it ended, usage. Pure; fed with bytes."""

from typing import Any, Literal

from backend.llm.answer_stream import AnswerStream
from backend.llm.tier import Finish, TierFailure

MOST_TOKENS = 1_000_000_000  # a count above is nonsense


class CompletionStream(AnswerStream):
    """Reads one answer out of the bytes of its event stream.

    Refuses what a lenient reader would pass off as an answer: an error inside the stream, JSON that is broken or holds
    half a character, a stream that closes without a finish reason or with one that says it was cut, and an answer
    without a word. Every refusal is a `TierFailure` without the upstream's text.
    """

    def __init__(self, *, max_line_bytes: int) -> None:
        super().__init__(max_line_bytes=max_line_bytes)
        self.finish_reason: Literal["stop", "length"] | None = None
        self._usage: dict[str, Any] = {}

    def finish(self) -> Finish:
        """The end of the answer, once the stream has closed or said `[DONE]`."""
        if self.finish_reason is None:
            # `[DONE]` and nothing else is an upstream with nothing to say; any other end without a reason was cut off.
            raise TierFailure("empty" if self.done and not self._started else "broken_stream")
        if not self._started:
            raise TierFailure("empty")
        return Finish(self.finish_reason, count(self._usage, "prompt_tokens"), count(self._usage, "completion_tokens"))

    def _is_whole(self) -> bool:
        return self.finish_reason is not None

    def _read(self, event: str, data: bytes) -> str:
        if data == b"[DONE]":
            self.done = True
            return ""
        return super()._read(event, data)

    def _said(self, said: Any) -> str:
        if not isinstance(said, dict):
            raise TierFailure("broken_stream")
        if said.get("error"):
            raise TierFailure("refused")
        if isinstance(usage := said.get("usage"), dict):
            self._usage = usage
        try:
            # The chunk that carries the usage has no choice.
            return self._choice(choices[0]) if (choices := said.get("choices")) else ""
        except (AttributeError, KeyError, TypeError):
            raise TierFailure("broken_stream") from None

    def _choice(self, choice: dict[str, Any]) -> str:
        if self.finish_reason is not None:
            return ""  # the answer has ended, and what follows is none of it
        content = (choice.get("delta") or {}).get("content")
        if content is not None and not isinstance(content, str):
            raise TierFailure("broken_stream")
        match choice.get("finish_reason"):
            case None | "":
                pass
            case "length":
                self.finish_reason = "length"
            case "content_filter":
                raise TierFailure("refused", blame="question")
            case "abort" | "error":
                # Servers that are told to end cut an answer so and say `[DONE]` behind it (vLLM, SGLang).
                raise TierFailure("broken_stream")
            case _:
                # Compatible servers have words of their own (`eos`, `end_turn`) for an answer that is complete.
                self.finish_reason = "stop"
        return content or ""


def count(usage: dict[str, Any], key: str) -> int | None:
    """A token count, or None where the upstream gave none or nonsense."""
    value = usage.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else None
