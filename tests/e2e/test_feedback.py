"""What a visitor does with a finished answer, in a real browser: rates it, says why, and has it made anew."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.visit import ask
from tests.model_server import ModelServer
from tests.service import QUESTION

pytestmark = pytest.mark.e2e

SLOW = " ".join(f"word{number}" for number in range(120)) + " [1]."


async def test_an_answer_is_rated_made_anew_and_both_are_there_after_a_reload(
    page: Page, service: str, model: ModelServer
) -> None:
    model.answer = "Make it loud [1]."
    await page.goto(service)
    await ask(page, QUESTION)
    down = page.get_by_role("button", name="Not helpful")
    await expect(down).to_have_attribute("aria-pressed", "false")
    await down.focus()
    await page.keyboard.press("Enter")
    comment = page.get_by_role("textbox", name="What was wrong, or missing?")
    await expect(comment).to_be_focused()
    await page.keyboard.type("It does not say how loud.")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Your comment is kept")).to_be_visible()
    await expect(down).to_be_focused()
    await page.reload()
    await expect(down).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="Change your comment").click()
    await expect(comment).to_have_value("It does not say how loud.")
    await page.keyboard.press("Escape")
    await expect(comment).to_have_count(0)
    await expect(down).to_be_focused()
    model.answer = "At minus fourteen LUFS [1]."
    await page.get_by_role("button", name="Try again").click()
    answer = page.get_by_test_id("answer")
    await expect(answer).to_contain_text("At minus fourteen LUFS")
    await expect(down).to_have_attribute("aria-pressed", "false")
    await expect(page.get_by_test_id("announcer")).to_contain_text("At minus fourteen LUFS")
    await page.reload()
    await expect(answer).to_have_count(1)
    await expect(answer).to_contain_text("At minus fourteen LUFS")
    await expect(page.get_by_test_id("question")).to_have_count(1)


async def test_a_reload_in_the_middle_of_a_new_answer_goes_on_reading_it_and_nothing_moves_at_its_end(
    page: Page, service: str, model: ModelServer
) -> None:
    model.answer = "Make it loud [1]."
    await page.goto(service)
    await ask(page, QUESTION)
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()
    model.answer, model.tokens_per_s = SLOW, 60
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_test_id("answer")).to_contain_text("word5")
    await page.reload()
    await expect(page.get_by_test_id("answer")).to_contain_text("word40")
    assert "loud" not in await page.get_by_test_id("answer").inner_text()
    foot = page.locator(".foot")
    while_growing = await foot.bounding_box()
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()
    at_the_end = await foot.bounding_box()
    assert while_growing is not None
    assert at_the_end is not None
    assert while_growing["height"] == at_the_end["height"]
    text = re.sub(r"\s+", " ", await page.get_by_test_id("answer").inner_text())
    assert "word0 word1 word2" in text
    assert "word119" in text
