"""The slider for a creator's voice, in a real browser, against the real service."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.visit import ask
from tests.model_server import ModelServer
from tests.service import QUESTION

pytestmark = pytest.mark.e2e


async def test_a_visitor_chooses_by_keyboard_how_much_the_answers_sound_like_the_creator(
    page: Page, service: str, model: ModelServer
) -> None:
    await page.goto(f"{service}/?creator=dex-morrowby")
    slider = page.get_by_role("slider", name="Voice of the answers")
    await expect(slider).to_have_attribute("aria-valuetext", "Neutral")
    await ask(page, QUESTION)
    await expect(page.locator("[data-ending]")).to_have_count(1)
    assert "<voice " not in model.requests[-1].prompt
    await page.get_by_role("textbox", name="Your question").fill("And how do I get there?")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(slider).to_be_focused()
    for _ in range(3):
        await page.keyboard.press("ArrowRight")
    await expect(slider).to_have_attribute("aria-valuetext", "Strong")
    await expect(page.get_by_text("The voice imitates Dex Morrowby")).to_be_visible()
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("[data-ending]")).to_have_count(2)
    assert '<voice name="Dex Morrowby">' in model.requests[-1].prompt
    await page.reload()
    await expect(slider).to_have_attribute("aria-valuetext", "Strong")


async def test_nobodys_voice_is_offered_where_everyone_is_asked(page: Page, service: str) -> None:
    await page.goto(f"{service}/?creator=dex-morrowby")
    await expect(page.get_by_role("slider")).to_be_visible()
    await page.get_by_role("radio", name="Everyone").check(force=True)
    await expect(page.get_by_role("slider")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_slider_fits_a_phone(page: Page, service: str, scheme: str) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await page.goto(f"{service}/?creator=ana-velloret")
    slider = page.get_by_role("slider")
    await slider.fill("1")
    await expect(slider).to_be_in_viewport(ratio=1)
    await expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
    box = await slider.bounding_box()
    assert box is not None
    assert box["height"] >= 24
    widths = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
