"""Stems, of words that several threads ask for at once."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.knowledge.stem import stem

BEGINNINGS = "abol aggrav bless compress connect depend establish generat hop nation organ relat similar vibr".split()
ENDINGS = "ed edly ing ingly ional ionally ization izations fulness ousness iveness ability ement ements er".split()
WORDS = [f"{first}{beginning}{ending}" for first in "bcdfgklmnprst" for beginning in BEGINNINGS for ending in ENDINGS]


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads give way to each other every 10 µs, within a word."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("impatient")
def test_threads_do_not_spoil_each_others_stems() -> None:
    stem.cache_clear()
    alone = [stem(word) for word in WORDS]
    stem.cache_clear()
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda words: [stem(word) for word in words], (WORDS, WORDS[::-1], WORDS[7:])))
    assert together == [alone, alone[::-1], alone[7:]]
