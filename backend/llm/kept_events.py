"""What is kept of what an upstream sent for an answer: a line of JSON for each event, within 64 KiB."""

import json
from collections.abc import Mapping

MAX_BYTES = 64 * 1024
CUT = '{"type":"cut"}'  # stands last where there was more


class KeptEvents:
    """Events in their order. Pieces of text that follow one another become one event."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._room = MAX_BYTES - len(CUT)
        self._is_cut = False
        self._run: list[str] = []

    def add_text(self, text: str) -> None:
        """A piece of the answer."""
        self._run.append(text)

    def add(self, **fields: str | None) -> None:
        """Any other event, with those of its fields that may be kept."""
        self._end_run()
        self._keep(fields)

    def text(self) -> str:
        """Everything that was added, at most `MAX_BYTES` long."""
        self._end_run()
        return "\n".join([*self._lines, CUT] if self._is_cut else self._lines)

    def _end_run(self) -> None:
        if self._run:
            self._keep({"type": "text_delta", "text": "".join(self._run)})
            self._run.clear()

    def _keep(self, fields: Mapping[str, str | None]) -> None:
        line = json.dumps(fields, separators=(",", ":"))
        self._room -= len(line) + 1  # everything outside of ASCII is escaped
        self._is_cut = self._is_cut or self._room < 0
        if not self._is_cut:
            self._lines.append(line)
