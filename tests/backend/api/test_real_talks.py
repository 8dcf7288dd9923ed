"""Real talks, brought in by the curators' command: a footnote opens the moment in which it was said."""

import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend import settings as configuration
from backend.embedded import engines
from tests.conftest import FOOTNOTE, data_folder
from tests.service import SHARED, Visitor, running

TALKS = SHARED / "data" / "creators" / "ols-talks"
CUE = re.compile(r"(\d+):(\d+):(\d+),(\d+) --> (\d+):(\d+):(\d+),(\d+)\n(.*?)(?:\n\n|\Z)", re.DOTALL)

pytestmark = pytest.mark.skipif(not TALKS.is_dir(), reason="the shared recordings are not here")

# A question, the file of the talk that answers it, and a few words of the answer as they stand in its captions.
MOMENTS = [
    (
        "Is the speaker about open licenses a lawyer?",
        "A-Primer-on-Open-License.srt",
        "I am not a lawyer",
    ),
    (
        "What is open data, freely available for use and reuse by anyone?",
        "Open-Data.srt",
        "any data that's made freely available",
    ),
]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def moment_of(file: Path, phrase: str) -> float:
    """Seconds at which the phrase begins, by the cues of the file itself."""
    spoken: list[tuple[str, float]] = []
    for match in CUE.finditer(file.read_text(encoding="utf-8-sig").replace("\r\n", "\n")):
        hours, minutes, seconds, millis = map(int, match.groups()[:4])
        spoken += [(word, hours * 3600 + minutes * 60 + seconds + millis / 1000) for word in words(match[9])]
    wanted = words(phrase)
    for start in range(len(spoken)):
        if [word for word, _ in spoken[start : start + len(wanted)]] == wanted:
            return spoken[start][1]
    raise AssertionError(f"{phrase!r} is not in {file.name}")


@pytest.fixture(scope="module")
def talks(model_cache: Path) -> Iterator[configuration.Settings]:
    with data_folder(model_cache) as data_dir, engines(configuration.load(data_dir=data_dir)) as settings:
        for _ in range(2):  # the second time nothing changes
            done = subprocess.run(
                [str(FOOTNOTE), "ingest", str(TALKS), "--creator", "ols"],
                env=os.environ | {"FOOTNOTE_DATA_DIR": str(data_dir)},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
        assert "0 added" in done.stdout
        assert "0 changed" in done.stdout
        yield settings


@pytest.fixture
async def visitor(talks: configuration.Settings) -> AsyncIterator[Visitor]:
    async with running(talks) as address, Visitor(address) as newcomer:
        yield newcomer


@pytest.mark.parametrize(("question", "file", "phrase"), MOMENTS)
async def test_a_question_about_a_talk_is_answered_with_its_moment(
    visitor: Visitor, question: str, file: str, phrase: str
) -> None:
    moment = moment_of(TALKS / file, phrase)
    answer = (await visitor.ask(question, creator="ols")).checked()
    assert {source["creator"]["slug"] for source in answer.sources} == {"ols"}
    assert any(source["start_s"] <= moment <= source["end_s"] for source in answer.sources)
    first = next(source for source in answer.sources if source["start_s"] <= moment <= source["end_s"])
    assert first["end_s"] - first["start_s"] < 180
