"""What the events of an agent's answer say: text, its session, how it ended. Pure; fed with bytes."""

import re
from typing import Any

from backend.llm.answer_stream import AnswerStream
from backend.llm.kept_events import KeptEvents
from backend.llm.tier import Finish, TierFailure

# What is remembered as the name of a session and sent back: nothing but visible ASCII and spaces, and not much of it.
SESSION_ID = re.compile(r"[ -~]{1,200}")
# What is kept of the events of others: a word in these fields. Anything else may quote an error.
KEPT_FIELDS = ("type", "name", "status")
WORD = re.compile(r"[\w.:/-]{1,64}", re.ASCII)


class AgentStream(AnswerStream):
    """Reads one answer out of the bytes of its event stream: `session_id`, `text_delta`, `done`, `error`.

    The pieces of text are the answer, as they were delivered; the text of `done` counts only where there were none.
    Of events of other types `KEPT_FIELDS` are kept, and they are otherwise ignored: tools and thoughts are no text. A
    stream that closes without `done`, an error inside it, a `done` that tells of one, JSON that is broken or holds half
    a character, and an answer without a word are a `TierFailure` without the upstream's text. A name of a session that
    is no `SESSION_ID` is as good as none. `kept` gathers the events; of an error there is nothing in it.
    """

    def __init__(self, *, max_line_bytes: int) -> None:
        super().__init__(max_line_bytes=max_line_bytes)
        self.session_id: str | None = None
        self.kept = KeptEvents()

    def finish(self) -> Finish:
        """The end of the answer, once the stream has closed or said `done`."""
        if not self.done:
            raise TierFailure("broken_stream")
        if not self._started:
            raise TierFailure("empty")
        return Finish("stop")

    def _is_whole(self) -> bool:
        return self.done

    def _said(self, said: Any) -> str:
        is_failed = isinstance(said, dict) and bool(said.get("error") or said.get("is_error"))
        match said:
            case {"type": "error"}:
                raise TierFailure("refused")
            case {"type": "text_delta", "text": str(text)}:
                self.kept.add_text(text)
                return text
            case {"type": "session_id", "value": str(value)}:
                self.session_id = value if SESSION_ID.fullmatch(value) else None
                self.kept.add(type="session_id", value=self.session_id)
            case {"type": "done"} if is_failed:
                raise TierFailure("refused")
            case {"type": "done"}:
                self.done = True
                text = said.get("text")
                self.kept.add(type="done", **({"text": text} if isinstance(text, str) else {}))
                if not self._started and isinstance(text, str):
                    self._blank = ""
                    return text
            case {"type": str(name)} if name not in ("text_delta", "session_id"):
                # What an upstream says of its troubles is kept nowhere.
                if is_word(name) and "error" not in name and not is_failed:
                    self.kept.add(**{field: said[field] for field in KEPT_FIELDS if is_word(said.get(field))})
            case {"error": _}:
                raise TierFailure("refused")
            case _:
                raise TierFailure("broken_stream")
        return ""


def is_word(value: object) -> bool:
    return isinstance(value, str) and WORD.fullmatch(value) is not None
