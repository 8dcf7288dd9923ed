"""What an upstream sent for an answer, as it is kept with it: a line of JSON for each event, within 64 KiB."""

import json

MAX_BYTES = 64 * 1024
CUT = '{"type":"cut"}'  # stands last where there was more


class KeptEvents:
    """Events in their order. Pieces of text that follow one another become one event; the rest stays as it came."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._room = MAX_BYTES - len(CUT)
        self._is_cut = False
        self._run: list[str] = []

    def add_text(self, text: str) -> None:
        """A piece of the answer."""
        self._run.append(text)

    def add(self, event: bytes) -> None:
        """Any other event: JSON that was read already, in UTF-8."""
        self._end_run()
        self._keep(event.decode().replace("\n", " "))  # outside of JSON's strings, where alone one can be

    def text(self) -> str:
        """Everything that was added, at most `MAX_BYTES` long."""
        self._end_run()
        return "\n".join([*self._lines, CUT] if self._is_cut else self._lines)

    def _end_run(self) -> None:
        if self._run:
            self._keep(json.dumps({"type": "text_delta", "text": "".join(self._run)}, separators=(",", ":")))
            self._run.clear()

    def _keep(self, line: str) -> None:
        self._room -= len(line.encode()) + 1
        self._is_cut = self._is_cut or self._room < 0
        if not self._is_cut:
            self._lines.append(line)
