"""Whatever models, documents and creators say is only ever text: in a real browser nothing of it runs or is fetched."""

import itertools
import json
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import ConsoleMessage, Dialog, Page, Request, Route, expect

from backend.settings import Settings
from tests.e2e.hostile_text import ADDRESSES, PAYLOADS
from tests.e2e.visit import another_site, ask
from tests.model_server import ModelServer
from tests.service import QUESTION, running, with_model, with_section

pytestmark = pytest.mark.e2e

ANSWERS = 4
RANDOM = random.Random(5)
ID = "7d1f3f5e-5c2b-4f0e-9f60-0a4f35c7d3a1"
# What no answer, source, creator or title has any business to bring into the widget.
NEVER = "script,iframe,object,embed,img,picture,video,audio,link,meta,base,form:not(.composer),math,image"
LOOK = """never => {
    const found = [];
    const look = root => {
        for (const element of root.querySelectorAll('*')) {
            if (element.shadowRoot) look(element.shadowRoot);
            if (root !== document && element.matches(never)) found.push(element.outerHTML);
            for (const { name, value } of element.attributes) if (name.startsWith('on')) found.push(`${name}=${value}`);
            const address = element.tagName === 'A' ? element.getAttribute('href') : null;
            if (address !== null && !/^https?:$/.test(new URL(address).protocol)) found.push(address);
        }
    };
    look(document);
    return found;
}"""
WATCH = """
    top.fired = 0;
    top.violations = [];
    addEventListener('securitypolicyviolation', event => top.violations.push(event.violatedDirective));
"""


@dataclass
class Watch:
    """What a page did that no text may make it do."""

    page: Page
    service: str
    fetched: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        """Before the page is opened."""
        await self.page.add_init_script(WATCH)
        self.page.on("request", self._note_request)
        self.page.on("console", self._note_console)
        self.page.on("dialog", self._note_dialog)

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith(self.service):
            self.fetched.append(request.url)

    def _note_console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.refused.append(message.text)

    async def _note_dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        await dialog.dismiss()

    async def saw_nothing(self, *own: str) -> None:
        """Fails if anything ran, was fetched, or stands where it could; `own` addresses are the test's own."""
        assert await self.page.evaluate("top.fired") == 0
        assert await self.page.evaluate("top.violations") == []
        assert await self.page.evaluate(LOOK, NEVER) == []
        assert [address for address in self.fetched if address not in own] == []
        assert (self.dialogs, self.refused) == ([], [])
        assert len(self.page.frames) == len(self.page.context.pages) == 1


@pytest.fixture
async def watch(page: Page, service: str) -> Watch:
    watching = Watch(page, service)
    await watching.begin()
    return watching


def split(text: str) -> list[str]:
    """The text in pieces of 1 to 9 characters."""
    pieces = []
    while text:
        length = RANDOM.randint(1, 9)
        pieces.append(text[:length])
        text = text[length:]
    return pieces


@pytest.fixture(scope="module")
async def service(library: Settings, model: ModelServer) -> AsyncIterator[str]:
    """A service that lets a model say a lot."""
    settings = with_section(with_model(library, model.base_url), "chat", answer_tokens=100_000)
    talkative = settings.tiers["fast"].model_copy(update={"context_tokens": 200_000})
    async with running(settings.model_copy(update={"tiers": settings.tiers | {"fast": talkative}})) as address:
        yield address


async def test_nothing_that_a_model_says_runs_or_is_fetched_while_it_comes_or_after_a_reload(
    page: Page, service: str, model: ModelServer, watch: Watch
) -> None:
    await page.goto(service)
    model.split = split
    for number in range(ANSWERS):
        model.answer = "\n\n".join(f"{payload} said [1]." for payload in PAYLOADS[number::ANSWERS])
        await ask(page, QUESTION)
        answer = page.get_by_test_id("answer").nth(number)
        await expect(answer).to_contain_text("said")
        await expect(page.get_by_role("button", name="Send")).to_be_visible()
        await watch.saw_nothing()
    shown = await page.get_by_test_id("answer").all_inner_texts()
    assert sum(text.count("said") for text in shown) > len(PAYLOADS) * 0.8
    await page.reload()
    await expect(page.get_by_test_id("answer")).to_have_count(ANSWERS)
    assert await page.get_by_test_id("answer").all_inner_texts() == shown
    await watch.saw_nothing()


# Two payloads share a source, and four a creator; a page with one for each would take a minute to look through.
PAIRS = list(zip(PAYLOADS, [*PAYLOADS[1:], PAYLOADS[0]], strict=True))[::2]


def hostile_sources() -> list[dict[str, Any]]:
    """Sources with a payload in every field."""
    addresses = itertools.cycle([*ADDRESSES, *PAYLOADS])
    return [
        {
            "index": number, "document_id": one, "chunk_id": one, "title": one, "heading": other,
            "creator": {"slug": one, "name": other}, "kind": one, "url": next(addresses), "start_s": one,
            "end_s": None, "snippet": other + one, "score": 1, "scope": one, "published_at": other, "perhaps": False,
        }
        for number, (one, other) in enumerate(PAIRS, 1)
    ]  # fmt: skip


def hostile_stream() -> str:
    """An answer that says every payload, split anywhere, over those sources."""
    numbers = itertools.cycle(range(1, len(PAIRS) + 1))
    text = "\n\n".join(f"{payload} said [{next(numbers)}]." for payload in PAYLOADS)
    citations = [{"index": next(numbers), "sentence": payload, "supported": False} for payload in PAYLOADS]
    done = {"finish_reason": "stop", "conversation_id": ID, "message_id": ID, "cascade_tier": PAYLOADS[0],
            "scope": PAYLOADS[1], "citations": citations, "standalone_query": PAYLOADS[2]}  # fmt: skip
    frames: list[tuple[str, Any]] = [("sources", hostile_sources())]
    frames += (("token", {"text": piece}) for piece in split(text))
    frames.append(("done", done))
    return "".join(
        f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n" for number, (name, data) in enumerate(frames, 1)
    )


def hostile_creators() -> dict[str, Any]:
    four = [PAYLOADS[number : number + 4] for number in range(0, len(PAYLOADS), 4)]
    return {
        "items": [
            {
                "slug": payloads[0], "name": payloads[-1], "bio": "\n".join(payloads), "topics": payloads,
                "questions": payloads, "documents": 1, "persona": True,
                "links": [{"label": payloads[0], "url": address} for address in (*payloads, *ADDRESSES)],
            }
            for payloads in four
        ]
    }  # fmt: skip


def hostile_list() -> dict[str, Any]:
    titles = enumerate(PAYLOADS)
    items = [{"id": f"{number}{title}", "title": title, "creator": title} for number, title in titles]
    return {"items": items, "next_cursor": None}


def hostile_site() -> dict[str, Any]:
    return {"id": PAYLOADS[0], "theme": PAYLOADS[-1]}


async def answer_with_hostility(route: Route) -> None:
    """In place of the service: all that it could ever be made to say."""
    path = route.request.url.split("/api/v1")[1].split("?")[0]
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*", "X-Run-Id": ID,
               "X-Conversation-Id": ID}  # fmt: skip
    if path == "/chat":
        await route.fulfill(headers=headers, content_type="text/event-stream", body=hostile_stream())
    else:
        bodies = {"/creators": hostile_creators, "/conversations": hostile_list, "/site": hostile_site}
        await route.fulfill(headers=headers, json=bodies[path]())


async def look_at_every_source(page: Page) -> Sequence[str]:
    """Focuses each marker for its preview, presses it and every card; what was opened by that."""
    opened: Sequence[str] = await page.evaluate(
        """async () => {
            const opened = [];
            window.open = address => void opened.push(address);
            const root = document.querySelector('footnote-chat').shadowRoot;
            const drawn = () => new Promise(done => setTimeout(done));
            let previews = 0;
            for (const marker of [...root.querySelectorAll('.marker')].slice(0, SOURCES)) {
                marker.focus({ focusVisible: true });
                await drawn();
                previews += root.querySelectorAll('.popover').length;
                marker.click();
            }
            if (previews === 0) throw new Error('no preview was seen');
            for (const button of root.querySelectorAll('button.card')) button.click();
            await drawn();
            return opened;
        }""".replace("SOURCES", str(len(PAIRS)))
    )
    return opened


async def test_nothing_in_sources_creators_or_titles_runs_or_is_fetched(page: Page, service: str, watch: Watch) -> None:
    await page.route("**/api/v1/**", answer_with_hostility)
    await page.goto(service)
    saved = page.get_by_role("region", name="Your conversations")
    await expect(saved.locator(".saved-open")).to_have_count(len(PAYLOADS))
    await expect(page.get_by_role("radiogroup", name="Creator").get_by_role("radio")).to_have_count(
        len(hostile_creators()["items"]) + 1
    )
    await watch.saw_nothing()
    await page.evaluate(
        """async () => {
            const drawn = () => new Promise(done => setTimeout(done));
            for (const toggle of [...document.querySelectorAll('.saved-toggle')].slice(0, 40)) toggle.click();
            await drawn();
            for (const rename of document.querySelectorAll('.saved-fold [data-first]')) rename.click();
            for (const radio of document.querySelectorAll('.picker input')) {
                radio.click();
                await drawn();
            }
        }"""
    )
    await watch.saw_nothing()
    await page.get_by_role("radio").first.check(force=True)
    await ask(page, QUESTION)
    await expect(page.locator(".marker").nth(len(PAIRS) // 2)).to_be_attached()
    opened = await look_at_every_source(page)
    assert opened
    assert all(address.startswith(("http://", "https://", "HTTP://")) for address in opened)
    await watch.saw_nothing()


async def test_nothing_runs_or_is_fetched_in_the_widget_on_a_site_without_a_policy(
    page: Page, service: str, watch: Watch
) -> None:
    await page.route("**/api/v1/**", answer_with_hostility)
    tag = f'<script src="{service}/footnote.js" data-site="blog" defer></script>'
    with another_site(f"<!doctype html><link rel=icon href=data:,><title>Another</title>{tag}") as address:
        await page.goto(address)
        await page.get_by_role("button", name="Ask a question").click()
        await ask(page, QUESTION)
        await expect(page.locator(".marker").nth(len(PAIRS) // 2)).to_be_attached()
        assert await look_at_every_source(page)
        await watch.saw_nothing(address)
