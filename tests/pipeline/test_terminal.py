"""What a curator's terminal is given: our own colours, and nothing that content, names or addresses can do to it."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.commands.status import table_of
from pipeline.display import Display
from pipeline.ingest import Summary, Told
from pipeline.library import CreatorCount
from pipeline.terminal import Terminal, one_line, visible
from tests.conftest import running_folder
from tests.pipeline.test_command import footnote

HOSTILE = "a\x1b]0;owned\x07\x9b2J\x00\r\x7f\u202eb\u2066\udc9b"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.fixture(scope="module")
def data_dir(model_cache: Path) -> Iterator[Path]:
    with running_folder(model_cache) as folder:
        yield folder


def coloured(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return Terminal()


def printed(terminal: Terminal, *things: object) -> str:
    with terminal.capture() as capture:
        for thing in things:
            terminal.print(thing)
    return capture.get()


def test_whatever_is_printed_does_nothing_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = coloured(monkeypatch)
    table = Table(HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(Text(HOSTILE))
    shown = printed(
        terminal,
        HOSTILE,
        f"[red]{escape(HOSTILE)}[/]",
        Padding(HOSTILE, (0, 2)),
        Text.assemble(("x", "bold"), HOSTILE),
        table,
    )
    assert "\x1b[31m" in shown, "our own colours are there"
    assert not OBEYED.search(re.sub(r"\x1b\[[\d;]*m", "", shown))
    assert shown.count("]0;owned") == 7


def test_a_picture_stands_where_a_character_stood() -> None:
    assert visible("a\x1b[31m\u202eb\tc\nd") == "a␛[31m\ufffdb\tc\nd"
    assert len(visible(HOSTILE)) == len(HOSTILE)
    assert visible("שלום\u200f, سلام\u200c و 👩\u200d🔬") == "שלום\u200f, سلام\u200c و 👩\u200d🔬"


def test_styles_stay_on_their_words_beside_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Text("\x1b\x1b gain \x1b")
    text.stylize("bold", 3, 7)
    assert "\x1b[1mgain\x1b[0m" in printed(coloured(monkeypatch), text)


def test_text_is_not_taken_for_markup_or_emoji(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = CreatorCount("eve", "Eve [/red] :smile:\nfailed x.md", Counter(ready=1), 3)
    shown = printed(coloured(monkeypatch), table_of([counts]))
    assert "Eve [/red] :smile:␊failed x.md" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:secret@h.example/a is refused", "https://…@h.example/a is refused"),
        ("feed#https://u:se@cret@h.example/x", "feed#https://…@h.example/x"),
        ("ftp://u@h/ and https://h.example/a@b?c@d", "ftp://…@h/ and https://h.example/a@b?c@d"),
        ("a.md\nfailed b.md\t\u2028", "a.md␊failed b.md␉\ufffd"),
    ],
)
def test_names_and_reasons_stay_in_their_line_and_keep_passwords(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_events_cannot_pass_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    out, errors = Terminal(), Terminal()
    with errors.capture() as capture, out.capture(), Display(out, errors) as display:
        for about in ("left out", "failed", "remark", "duplicate", "vanished", "removed"):
            display.show(Told(about, f"{about}.md\nfailed {HOSTILE}", "https://u:secret@h.example\x1b[2J"))
        display.conclude(Summary())
    lines = capture.get().splitlines()
    assert len(lines) == 6
    assert not any(OBEYED.search(line) or "secret" in line for line in lines)


def test_a_hostile_folder_is_told_on_one_line_each_and_as_plain_json(data_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "eve"
    folder.mkdir()
    (folder / "creator.yaml").write_text('slug: eve\nname: "Eve \\e]0;owned\\a\\0"\n')
    (folder / "talk.json").write_text('[{"start": 0, "end": 5, "text": "Hear \\u001b[2J\\u0000 the room.\\ud800"}]')
    (folder / "bad\x1b[2J\nfailed x.md").write_text("x")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.md")).write_text("x")
    done = footnote(data_dir, "ingest", folder, "--json")
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert (done.returncode, report["added"], len(report["told"])) == (0, 1, 2)
    assert done.stdout.isascii()
    told = footnote(data_dir, "ingest", folder)
    shown = footnote(data_dir, "show", "eve/talk.json")
    status = footnote(data_dir, "status")
    assert "bad␛[2J␊failed x.md" in told.stderr
    assert "Hear [2J the room." in shown.stdout
    assert "Eve ]0;owned" in status.stdout
    refused = footnote(data_dir, "ingest", folder / "no\x1b[2Jwhere")
    assert (refused.returncode, "no␛[2Jwhere does not exist" in refused.stderr) == (2, True)
    for text in (told.stdout, told.stderr, shown.stdout, status.stdout, refused.stderr):
        assert not OBEYED.search(text)
