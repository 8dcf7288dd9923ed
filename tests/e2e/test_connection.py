"""A connection that is lost in the middle of an answer, and an answer in several tabs, in a real browser."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.losing import LosingProxy
from tests.e2e.visit import ask
from tests.model_server import ModelServer
from tests.service import QUESTION

pytestmark = pytest.mark.e2e

WORDS = 300
SLOW = " ".join(f"word{number}" for number in range(WORDS)) + " [1]."
LOST = "Connection lost. Reconnecting…"
# Notes everything that a screen reader is told.
LISTEN = """() => {
    window.announced = [];
    const root = document.querySelector('footnote-chat').shadowRoot;
    for (const region of root.querySelectorAll('[aria-live="polite"]')) {
        const note = () => region.textContent.trim() && window.announced.push(region.textContent);
        new MutationObserver(note).observe(region, {childList: true, characterData: true, subtree: true});
    }
}"""


async def is_whole(page: Page) -> None:
    """The answer is there to its end, every word once and in order."""
    await expect(page.locator("[data-ending=answered]")).to_have_count(1)
    text = await page.get_by_test_id("answer").inner_text()
    assert re.findall(r"word\d+", text) == [f"word{number}" for number in range(WORDS)]


async def test_a_connection_that_is_lost_twice_is_taken_up_again_and_said_once(
    page: Page, service: str, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = SLOW, 60
    async with LosingProxy(service) as proxy:
        await page.goto(proxy.address)
        await page.evaluate(LISTEN)
        await ask(page, QUESTION)
        for word in ("word5", "word100"):
            await expect(page.get_by_test_id("answer")).to_contain_text(word)
            proxy.lose()
            note = page.get_by_text(LOST).and_(page.locator(".progress"))
            await expect(note).to_be_visible()
            proxy.find()
            await expect(note).to_have_count(0)
        await is_whole(page)
        announced = await page.evaluate("window.announced")
        assert [text for text in announced if LOST in text] == [LOST]


async def test_a_network_that_is_back_after_a_long_time_needs_no_click(
    page: Page, service: str, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = SLOW, 60
    async with LosingProxy(service) as proxy:
        await page.goto(proxy.address)
        await ask(page, QUESTION)
        await expect(page.get_by_test_id("answer")).to_contain_text("word5")
        proxy.lose()
        back = "window.dispatchEvent(new Event('online'))"
        while await page.get_by_role("button", name="Retry").count() == 0:
            await page.evaluate(back)  # spares the pauses before each attempt
        proxy.find()
        await page.evaluate(back)
        await is_whole(page)


async def test_an_answer_is_shown_in_every_tab_of_its_conversation(
    page: Page, service: str, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = SLOW, 60
    other = await page.context.new_page()
    for tab in (page, other):
        await tab.goto(service)
    await ask(page, QUESTION)
    for tab in (other, page):
        await expect(tab.get_by_test_id("answer")).to_contain_text("word5")
    assert await page.locator("[data-ending]").count() == 0
    for tab in (page, other):
        await is_whole(tab)
    model.answer = "Short [1]."
    await ask(other, "And for a podcast?")
    for tab in (page, other):
        await expect(tab.get_by_test_id("question")).to_have_count(2)
        await expect(tab.get_by_test_id("answer").nth(1)).to_contain_text("Short")


async def test_a_tab_that_was_busy_shows_afterwards_what_another_tab_asked_meanwhile(
    page: Page, service: str, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = "Slowly, word by word [1].", 4
    other = await page.context.new_page()
    async with LosingProxy(service) as proxy:
        for tab in (page, other):
            await tab.goto(proxy.address)
        await ask(page, QUESTION)
        await expect(page.get_by_test_id("answer")).to_contain_text("Slowly")
        await page.route("**/chat/runs/**", lambda route: route.abort())
        proxy.lose()
        await expect(page.get_by_text(LOST).and_(page.locator(".progress"))).to_be_visible()
        proxy.find()
        await expect(other.locator("[data-ending=answered]")).to_have_count(1)
        model.answer = "Meanwhile [1]."
        await ask(other, "And for a podcast?")
        await expect(other.locator("[data-ending=answered]")).to_have_count(2)
        await expect(page.get_by_test_id("question")).to_have_count(1)
        await page.unroute("**/chat/runs/**")
        await page.evaluate("window.dispatchEvent(new Event('online'))")
        await expect(page.locator("[data-ending=answered]")).to_have_count(2)
        await expect(page.get_by_test_id("question")).to_contain_text([QUESTION, "And for a podcast?"])
        await expect(page.get_by_test_id("answer")).to_contain_text(["Slowly, word by word", "Meanwhile"])
