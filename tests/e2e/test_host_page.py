"""The widget floating above somebody else's page, whose own style is no business of the widget."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.visit import another_site

pytestmark = pytest.mark.e2e

PLAIN = "<!doctype html><html><title>A site</title><link rel=icon href=data:,>"
UNFRIENDLY = """<!doctype html><html dir=rtl><title>A site</title><link rel=icon href=data:,><style>
    html { font-size: 62.5%; }
    * { letter-spacing: 3px; text-transform: uppercase; text-align: center; }
    body > * { position: relative; z-index: 1; }
</style>"""
LOOK = """chat => [...chat.shadowRoot.querySelectorAll('.footnote, .footnote *')].map(element => {
    const { x, y, width, height } = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const inherited = ['direction', 'letterSpacing', 'textTransform', 'textAlign', 'color'].map(name => style[name]);
    return [element.tagName, String(element.className), x, y, width, height, ...inherited].join(' ');
})"""


async def look_on(page: Page, service: str, site: str, theme: str) -> list[str]:
    """Where everything in the open panel is, and what it has from around it."""
    tag = f'<script src="{service}/footnote.js" data-site="blog" data-theme="{theme}" defer></script>'
    with another_site(site + tag) as address:
        await page.goto(address)
        await page.get_by_role("button", name="Ask a question").click()
        await expect(page.locator(".chip")).to_have_count(4)
        chat = page.locator("footnote-chat")
        style = await chat.evaluate("chat => [getComputedStyle(chat).position, getComputedStyle(chat).zIndex]")
        assert style == ["fixed", "2147483000"]
        return await chat.evaluate(LOOK)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_widget_looks_the_same_whatever_the_style_of_its_site(page: Page, service: str, theme: str) -> None:
    await page.emulate_media(reduced_motion="reduce")
    plain = await look_on(page, service, PLAIN, theme)
    assert await look_on(page, service, UNFRIENDLY, theme) == plain


async def test_the_panel_leaves_room_for_answers_on_a_phone_and_is_closed_wherever_it_was_opened(
    page: Page, service: str
) -> None:
    tag = f'<script src="{service}/footnote.js" data-site="blog" defer></script>'
    launcher = page.locator(".launcher")
    panel = page.get_by_role("dialog", name="Footnote")
    with another_site(PLAIN + tag) as address:
        await page.set_viewport_size({"width": 740, "height": 360})
        await page.goto(address)
        await launcher.click()
        await expect(panel).to_be_visible()
        assert await panel.locator(".scroller").evaluate("node => node.clientHeight") > 150
        await page.reload()
        await page.set_viewport_size({"width": 1280, "height": 900})
        await launcher.click()
        await expect(launcher).to_be_visible()
        await page.set_viewport_size({"width": 390, "height": 844})
        await expect(launcher).to_be_hidden()
        await panel.get_by_role("button", name="Close").click()
        await expect(panel).to_be_hidden()
        await expect(launcher).to_be_focused()
