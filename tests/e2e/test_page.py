"""What a visitor does on the page, in a real browser, against the real service."""

import json
import re

import pytest
from playwright.async_api import Page, expect
from pypdfium2 import PdfDocument

from tests.e2e.visit import another_site, ask
from tests.model_server import ModelServer
from tests.service import QUESTION

pytestmark = pytest.mark.e2e

SLOW = " ".join(f"word{number}" for number in range(300)) + " [1]."


async def test_sources_are_there_before_the_text_and_a_footnote_opens_its_source(
    page: Page, service: str, model: ModelServer
) -> None:
    model.first_token_delay_s = 1.5
    await page.goto(service)
    await ask(page, QUESTION)
    await expect(page.get_by_test_id("source-card").first).to_be_visible()
    assert await page.get_by_test_id("answer").filter(has_text=re.compile(r"\w")).count() == 0
    marker = page.locator(".marker").first
    await expect(marker).to_be_visible()
    await expect(page.get_by_role("button", name="Send")).to_be_visible()
    await page.context.route("https://*.example.org/**", lambda route: route.fulfill(body="the recording"))
    name = await marker.get_attribute("aria-label") or ""
    cited = re.match(r"Source (\d+):", name)
    assert cited, name
    link = await page.locator(f'[data-testid=source-card][data-index="{cited[1]}"]').get_attribute("href")
    async with page.context.expect_page() as opened:
        await marker.click()
    other = await opened.value
    await other.wait_for_load_state()
    assert other.url == link
    assert re.search(r"[?&]t=\d+$", other.url)


async def test_a_follow_up_stays_in_the_conversation_and_a_reload_shows_it_again(
    page: Page, service: str, model: ModelServer
) -> None:
    await page.goto(service)
    await ask(page, QUESTION)
    await expect(page.get_by_role("button", name="Send")).to_be_visible()
    await expect(page.locator(".marker").first).to_be_visible()
    await ask(page, "And for a podcast?")
    await expect(page.get_by_test_id("answer")).to_have_count(2)
    await expect(page.get_by_test_id("answer").nth(1)).to_contain_text(re.compile(r"\w+"))
    await expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert QUESTION in model.requests[-1].prompt
    before = await page.get_by_test_id("answer").all_inner_texts()
    await page.reload()
    await expect(page.get_by_test_id("answer")).to_have_count(2)
    assert await page.get_by_test_id("answer").all_inner_texts() == before
    await expect(page.locator(".marker").first).to_be_visible()
    await expect(page.get_by_test_id("source-card").first).to_be_visible()
    # Only the transcript scrolls, never the chat with its field.
    await page.set_viewport_size({"width": 390, "height": 500})
    chat = page.locator("footnote-chat")
    assert await chat.evaluate("node => node.scrollHeight - node.clientHeight") == 0
    assert await chat.evaluate("node => (node.scrollTop = 9999, node.scrollTop)") == 0


async def test_stop_ends_the_answer_and_keeps_what_was_said(page: Page, service: str, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = SLOW, 40
    await page.goto(service)
    await ask(page, QUESTION)
    await expect(page.get_by_test_id("answer")).to_contain_text("word5")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("button", name="Send")).to_be_visible()
    said = await page.get_by_test_id("answer").inner_text()
    assert "word5" in said
    assert "word299" not in said
    assert await model.no_stream_open(within_s=3)


async def test_a_reload_in_the_middle_of_an_answer_goes_on_reading_it(
    page: Page, service: str, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = SLOW, 60
    await page.goto(service)
    await ask(page, QUESTION)
    await expect(page.get_by_test_id("answer")).to_contain_text("word5")
    await page.reload()
    await expect(page.get_by_test_id("answer")).to_contain_text("word299")
    text = re.sub(r"\s+", " ", await page.get_by_test_id("answer").inner_text())
    assert " ".join(f"word{number}" for number in range(300)) in text


async def test_a_creator_is_chosen_and_only_theirs_is_shown(page: Page, service: str) -> None:
    await page.goto(service)
    picker = page.get_by_role("radiogroup", name="Creator")
    await picker.get_by_role("radio", name=re.compile("Dex")).check(force=True)
    await ask(page, QUESTION)
    cards = page.get_by_test_id("source-card")
    await expect(cards.first).to_be_visible()
    for text in await cards.all_inner_texts():
        assert "Dex" in text


async def test_the_creators_come_with_the_network(page: Page, service: str) -> None:
    await page.route("**/api/v1/creators", lambda route: route.abort(), times=2)  # the page's request and the chat's
    await page.goto(f"{service}/?creator=dex-morrowby")
    await expect(page.get_by_role("radio", name=re.compile("Dex"))).to_be_checked()
    await expect(page.get_by_role("heading", name="Ask Dex Morrowby")).to_be_visible()
    await expect(page.locator(".unavailable")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_is_cut_off_on_a_phone(page: Page, service: str, scheme: str) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await page.goto(service)
    await ask(page, QUESTION)
    await expect(page.locator(".marker").first).to_be_visible()
    widths = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]


async def test_the_creator_of_an_address_is_in_sight_on_a_phone(page: Page, service: str) -> None:
    await page.set_viewport_size({"width": 320, "height": 568})
    await page.goto(f"{service}/?creator=imke-tarvold")
    await expect(page.locator(".choice", has_text="Imke Tarvold")).to_be_in_viewport(ratio=0.9)


async def test_an_answer_and_its_previews_fit_a_small_screen(page: Page, service: str) -> None:
    source = {"index": 1, "title": "A title", "kind": "article", "url": "https://a.example/", "snippet": "word " * 80}
    text = f"{'Words before. ' * 20}\n\nThis one.[1]\n\n{'Words behind. ' * 20}\n\n- Said:\n  > So.\n"
    frames = [("sources", [source]), ("token", {"text": text}), ("done", {"standalone_query": "w" * 80})]
    stream = "".join(
        f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n" for number, (name, data) in enumerate(frames)
    )
    await page.route("**/api/v1/chat", lambda route: route.fulfill(content_type="text/event-stream", body=stream))
    await page.set_viewport_size({"width": 320, "height": 568})
    await page.goto(service)
    await ask(page, QUESTION)
    await expect(page.locator(".note")).to_contain_text("Searched for")
    assert await page.locator("blockquote").evaluate("node => getComputedStyle(node).marginLeft") == "0px"
    scroller = page.locator(".scroller")
    assert await scroller.evaluate("node => node.scrollWidth - node.clientWidth") == 0
    assert await page.locator(".told").evaluate("node => getComputedStyle(node).overflowWrap") == "anywhere"
    marker = page.locator(".marker")
    await marker.evaluate("node => node.scrollIntoView({ block: 'center' })")
    await marker.hover()
    preview = await page.get_by_role("tooltip").bounding_box()
    area = await scroller.bounding_box()
    assert preview
    assert area
    assert area["y"] <= preview["y"] < preview["y"] + preview["height"] <= area["y"] + area["height"]


async def test_a_conversation_is_printed_as_a_whole(page: Page, service: str, model: ModelServer) -> None:
    model.answer = "\n\n".join(f"Number {number}." for number in range(80)) + "\n\nThe end.[1]"
    await page.goto(service)
    await ask(page, QUESTION)
    await expect(page.locator("[data-ending]")).to_have_count(1)
    document = PdfDocument(await page.pdf(format="A4"))
    text = " ".join(sheet.get_textpage().get_text_bounded() for sheet in document)
    assert len(document) > 2
    assert QUESTION in text
    assert "The end." in text
    assert "Your conversations" not in text
    assert "Follow a footnote" not in text


async def test_the_page_asks_nobody_else_for_anything(page: Page, service: str) -> None:
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url) if not request.url.startswith(service) else None)
    await page.goto(service)
    await ask(page, QUESTION)
    await expect(page.locator(".marker").first).to_be_visible()
    assert elsewhere == []


async def test_a_finished_answer_is_announced_once(page: Page, service: str, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = "Short and plain [1].", 20
    await page.goto(service)
    await page.evaluate(
        """() => {
            window.announced = [];
            const root = document.querySelector('footnote-chat').shadowRoot;
            for (const region of root.querySelectorAll('[aria-live="polite"]')) {
                const note = () => region.textContent.trim() && window.announced.push(region.textContent);
                new MutationObserver(note).observe(region, {childList: true, characterData: true, subtree: true});
            }
        }"""
    )
    await ask(page, QUESTION)
    await expect(page.locator(".marker").first).to_be_visible()
    await expect(page.get_by_role("button", name="Send")).to_be_visible()
    announced = [text for text in await page.evaluate("window.announced") if "Short and plain" in text]
    assert len(set(announced)) == 1


async def test_one_script_tag_puts_the_widget_on_another_site(page: Page, service: str) -> None:
    where = 'data-site="blog" data-creator="dex-morrowby" data-theme="dark"'
    tag = f'<script src="{service}/footnote.js" {where} defer></script>'
    with another_site(f"<!doctype html><title>Another site</title><h1>Another site</h1>{tag}") as address:
        await page.goto(address)
        await page.get_by_role("button", name="Ask a question").click()
        await ask(page, QUESTION)
        await expect(page.locator(".marker").first).to_be_visible()
        cards = await page.get_by_test_id("source-card").all_inner_texts()
    assert cards
    assert all("Dex" in text for text in cards)


async def test_conversations_are_listed_where_storage_is_forbidden(page: Page, service: str) -> None:
    forbid = "{ get() { throw new DOMException('', 'SecurityError'); } }"
    for storage in ("localStorage", "sessionStorage"):
        await page.add_init_script(f"Object.defineProperty(window, '{storage}', {forbid})")
    await page.goto(service)
    await ask(page, QUESTION)
    saved = page.get_by_role("region", name="Your conversations")
    await expect(saved.locator(".saved-open")).to_have_text([QUESTION])


async def test_saved_conversations_are_opened_renamed_exported_and_deleted_by_keyboard(
    page: Page, service: str, model: ModelServer
) -> None:
    await page.goto(service)
    for question in ("How loud should my master be?", "How do I set a compressor?"):
        await page.get_by_role("button", name="New conversation").first.click()
        await ask(page, question)
        await expect(page.get_by_role("button", name="Send")).to_be_visible()
        await expect(page.locator(".marker").first).to_be_visible()
    saved = page.get_by_role("region", name="Your conversations")
    await expect(saved.locator(".saved-open")).to_have_text(
        ["How do I set a compressor?", "How loud should my master be?"]
    )
    await saved.get_by_role("button", name="How loud should my master be?", exact=True).press("Enter")
    await expect(page.locator(".question")).to_contain_text("How loud should my master be?")
    await expect(saved.locator("[aria-current]")).to_have_text("How loud should my master be?")
    await saved.get_by_role("button", name="What to do with “How loud should my master be?”").press("Enter")
    await expect(saved.get_by_role("button", name="Rename")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(saved.get_by_role("textbox", name="New title")).to_be_focused()
    await page.keyboard.type("Loud masters")
    await page.keyboard.press("Enter")
    await expect(saved.locator("[aria-current]")).to_have_text("Loud masters")
    await saved.get_by_role("button", name="What to do with “Loud masters”").press("Enter")
    async with page.expect_download() as downloading:
        await saved.get_by_role("button", name="Export to read (Markdown)").press("Enter")
    download = await downloading.value
    assert download.suggested_filename == "footnote-loud-masters.md"
    text = (await download.path()).read_text()
    assert text.startswith("# Loud masters\n")
    assert "Sources:" in text
    await saved.get_by_role("button", name="Delete", exact=True).press("Enter")
    await expect(saved.get_by_role("button", name="Keep")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(saved.locator(".saved-open")).to_have_text(["How do I set a compressor?"])
    await expect(page.locator(".question")).to_have_count(0)
    await page.reload()
    await expect(saved.locator(".saved-open")).to_have_text(["How do I set a compressor?"])
    await ask(page, "Do I need acoustic treatment?")
    await expect(saved.locator(".saved-open")).to_have_count(2)
    await expect(page.get_by_role("button", name="Send")).to_be_visible()
    await saved.get_by_role("button", name="Delete all conversations").press("Enter")
    await expect(saved.get_by_role("button", name="Keep")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(saved.get_by_role("status")).to_have_text("Your conversations are deleted.")
    await page.reload()
    await expect(saved).to_contain_text("Conversations that you begin are listed here.")
    await expect(page.locator(".question")).to_have_count(0)
