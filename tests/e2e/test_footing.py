"""What a visitor is told of an answer: whose it is, what it rests on, what is in doubt, what only may help."""

import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from backend import settings as configuration
from backend.embedded import engines
from backend.migrations import migrate
from backend.settings import Settings
from tests.conftest import FOOTNOTE, ROOT, data_folder
from tests.e2e.visit import another_site, ask
from tests.model_server import ModelServer
from tests.service import running, with_model, with_site

pytestmark = pytest.mark.e2e

DOUGH = """# Keeping a sourdough starter

Feed the sourdough starter once a day with equal weights of rye flour and lukewarm water, and throw half of it away
before you do. A starter that is fed at noon has doubled by the evening; one that smells of vinegar is hungry.
"""
ABOUT_DOUGH = "How often do I feed a sourdough starter?"
ABOUT_COMPRESSORS = "How do I set a compressor on vocals?"
NONSENSE = "zxqv blorptang wug?"
ONCE_A_DAY = "Feed the sourdough starter once a day with equal weights of rye flour and lukewarm water.[1]"
NOT_FROM_ANA = "Not from Ana Velloret; others say:"


@pytest.fixture(scope="module")
def with_baker(model_cache: Path) -> Iterator[Settings]:
    """A library of two: Ana Velloret, who knows about sound, and Bruna, who knows about bread."""
    with data_folder(model_cache) as data_dir, engines(configuration.load(data_dir=data_dir)) as own:
        migrate(own.database.url)
        bread = data_dir.parent / "bruna"
        bread.mkdir()
        (bread / "creator.yaml").write_text("slug: bruna-halm\nname: Bruna Halm\n")
        (bread / "dough.md").write_text(DOUGH)
        for folder in (ROOT / "scripts" / "sample" / "ana-velloret", bread):
            environment = {"FOOTNOTE_DATA_DIR": str(data_dir), "PATH": "/usr/bin:/bin"}
            command = [str(FOOTNOTE), "ingest", str(folder)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        yield own


@pytest.fixture(scope="module")
async def two_creators(with_baker: Settings, model: ModelServer) -> AsyncIterator[str]:
    """The address of a service with that library."""
    async with running(with_site(with_model(with_baker, model.base_url))) as address:
        yield address


async def ended(page: Page) -> None:
    await expect(page.locator("[data-ending]")).to_have_count(1)


async def test_others_who_answer_for_a_creator_are_named_above_the_answer_and_on_their_cards(
    page: Page, two_creators: str, model: ModelServer
) -> None:
    model.answer = ONCE_A_DAY
    await page.goto(f"{two_creators}/?creator=ana-velloret")
    await ask(page, ABOUT_DOUGH)
    await ended(page)
    for _ in ("live", "after a reload"):
        await expect(page.locator(".origin")).to_have_text(NOT_FROM_ANA)
        cited = page.get_by_test_id("source-card")
        await expect(cited).to_have_count(1)
        await expect(cited).to_contain_text("Bruna Halm")
        await expect(cited).to_contain_text("another creator")
        await page.reload()
        await ended(page)
    fold = page.get_by_role("button", name=re.compile("Also found"))
    await fold.focus()
    await page.keyboard.press("Enter")
    await expect(fold).to_have_attribute("aria-expanded", "true")
    for card in await cited.all():
        text = await card.inner_text()
        assert ("another creator" in text) == ("Ana Velloret" not in text)


async def test_whose_an_answer_is_is_said_while_it_is_being_written_and_announced_with_it(
    page: Page, two_creators: str, model: ModelServer
) -> None:
    model.answer, model.first_token_delay_s = ONCE_A_DAY, 1.5
    await page.goto(f"{two_creators}/?creator=ana-velloret")
    await ask(page, ABOUT_DOUGH)
    await expect(page.locator(".origin")).to_be_visible()
    assert await page.locator("[data-ending]").count() == 0
    await expect(page.get_by_test_id("announcer")).to_have_text(f"Answer: {NOT_FROM_ANA} {ONCE_A_DAY[:-3]}")


async def test_the_nearest_sources_are_offered_apart_where_nothing_answers(page: Page, two_creators: str) -> None:
    await page.goto(f"{two_creators}/?creator=ana-velloret")
    await ask(page, NONSENSE)
    await ended(page)
    for _ in ("live", "after a reload"):
        offered = page.get_by_role("region", name="Perhaps these help")
        await expect(offered.get_by_role("link")).not_to_have_count(0)
        await expect(offered.locator(".card-index")).to_have_count(0)
        await expect(page.locator(".origin")).to_have_count(0)
        assert await page.get_by_test_id("source-card").count() == await offered.get_by_test_id("source-card").count()
        await page.reload()
        await ended(page)


async def test_a_sentence_that_its_source_does_not_say_is_marked_at_its_footnote(
    page: Page, two_creators: str, model: ModelServer
) -> None:
    model.answer = (
        "Start with a ratio of three to one and an attack of fifteen milliseconds.[1] "
        "Purple elephants juggle marmalade on Tuesdays.[1]"
    )
    await page.goto(f"{two_creators}/?creator=ana-velloret")
    await ask(page, ABOUT_COMPRESSORS)
    await ended(page)
    for _ in ("live", "after a reload"):
        await expect(page.get_by_test_id("answer")).to_contain_text("Purple elephants")
        await expect(page.locator(".marker")).to_have_count(2)
        doubted = page.get_by_role("button", name="The source may not say this")
        await expect(doubted).to_have_count(1)
        await page.locator(".marker").first.focus()
        await page.keyboard.press("Tab")
        await expect(doubted).to_be_focused()
        await expect(page.get_by_role("tooltip")).to_contain_text("The source may not say this.")
        await page.reload()
        await ended(page)


async def test_a_site_may_keep_others_out(page: Page, two_creators: str) -> None:
    where = 'data-site="blog" data-creator="ana-velloret" data-widen="false"'
    tag = f'<script src="{two_creators}/footnote.js" {where} defer></script>'
    with another_site(f"<!doctype html><title>Another site</title>{tag}") as address:
        await page.goto(address)
        await page.get_by_role("button", name="Ask a question").click()
        await ask(page, ABOUT_DOUGH)
        await ended(page)
        cards = await page.get_by_test_id("source-card").all_inner_texts()
        await expect(page.locator(".origin")).to_have_count(0)
    assert cards
    assert all("Ana Velloret" in text and "another creator" not in text for text in cards)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_of_it_is_cut_off_on_a_phone(
    page: Page, two_creators: str, model: ModelServer, scheme: str
) -> None:
    model.answer = ONCE_A_DAY
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await page.goto(f"{two_creators}/?creator=ana-velloret")
    for question, seen in ((ABOUT_DOUGH, ".origin"), (NONSENSE, ".abstention")):
        await ask(page, question)
        await expect(page.locator(seen).last).to_be_in_viewport()
        await expect(page.get_by_role("button", name="Send")).to_be_visible()
    widths = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
