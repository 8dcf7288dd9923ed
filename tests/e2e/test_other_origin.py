"""The widget on pages of other origins: it works where its site allows it, and a hostile page learns nothing."""

import re
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.visit import another_site, ask
from tests.model_server import ModelServer
from tests.service import QUESTION

pytestmark = pytest.mark.e2e

ICON = "<link rel=icon href=data:,>"
LISTEN = """<script>
    window.heard = [];
    addEventListener("message", (event) => heard.push(event.data));
</script>"""


def strict(service: str) -> dict[str, str]:
    """As little as a site can allow for the widget: its script, and what that asks."""
    policy = (
        f"default-src 'none'; script-src {service}; connect-src {service}; img-src data:; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return {"Content-Security-Policy": policy, "Cross-Origin-Opener-Policy": "same-origin"}


async def test_the_widget_works_under_a_strict_policy_of_another_origins_page(page: Page, service: str) -> None:
    await page.add_init_script(
        "window.violations = []; addEventListener('securitypolicyviolation', (event) =>"
        " violations.push(event.violatedDirective + ' ' + event.blockedURI))"
    )
    tag = f'<script src="{service}/footnote.js" data-site="blog" defer></script>'
    with another_site(f"<!doctype html><title>A strict site</title>{ICON}{tag}", strict(service)) as address:
        await page.goto(address)
        await page.get_by_role("button", name="Ask a question").click()
        await ask(page, QUESTION)
        await expect(page.locator(".marker").first).to_be_visible()
        await page.locator(".marker").first.hover()
        await expect(page.get_by_role("tooltip")).to_be_visible()
        await page.reload()
        await page.get_by_role("button", name="Ask a question").click()
        await expect(page.locator(".question")).to_contain_text(QUESTION)
        panel = page.get_by_role("dialog", name="Footnote")
        assert await panel.evaluate("node => getComputedStyle(node).position") == "fixed"  # its style sheet is there
        assert await page.evaluate("violations") == []


async def test_the_page_stands_in_a_frame_of_its_site_and_of_no_other(page: Page, service: str) -> None:
    frame = (
        f'<!doctype html><title>Frames</title>{ICON}<iframe src="{service}/?site=blog" width=900 height=800></iframe>'
    )
    with another_site(frame) as address:
        await page.goto(address)
        inner = page.frame_locator("iframe")
        composer = inner.get_by_role("textbox", name="Your question")
        await composer.fill(QUESTION)
        await composer.press("Enter")
        await expect(inner.locator(".marker").first).to_be_visible()
    for framed in (f"{service}/?site=blog", service, f"{service}/?site=blog/../*"):
        other = f'<!doctype html><title>Frames</title>{ICON}<iframe src="{framed}"></iframe>'
        with another_site(other, port=0) as address:
            await page.goto(address)
            await expect(page.frame_locator("iframe").locator("footnote-chat")).to_have_count(0)
            assert page.frames[1].url.startswith("chrome-error:")


async def test_a_hostile_page_reads_neither_the_token_nor_a_conversation(
    browser: Browser, service: str, model: ModelServer
) -> None:
    canary = f"canary{uuid4().hex}"
    model.answer = f"The answer is {canary}. [1]"
    context = await browser.new_context()
    victim = await context.new_page()
    await victim.goto(service)
    await ask(victim, QUESTION)
    await expect(victim.get_by_test_id("answer")).to_contain_text(canary)
    shelf = await victim.evaluate("({...localStorage})")
    token = next(value for name, value in shelf.items() if name.endswith(":visitor"))
    conversation = next(value for name, value in shelf.items() if ":conversation:" in name)
    with another_site(f"<!doctype html><title>Evil</title>{ICON}{LISTEN}", port=0) as address:
        evil = await context.new_page()
        await evil.goto(address)
        got = await evil.evaluate(
            """async ([service, conversation]) => {
                const got = [];
                const tell = async (what) => got.push(await Promise.resolve().then(what).catch((error) => `${error}`));
                const paths = ["conversations", `conversations/${conversation}/messages`, "creators", "site"];
                for (const path of paths) {
                    for (const headers of [{}, {"X-Footnote-Site": "blog"}, {"X-Visitor-Token": "guessed"}]) {
                        for (const credentials of ["omit", "include"]) {
                            const address = `${service}/api/v1/${path}`;
                            await tell(async () => (await fetch(address, { headers, credentials })).text());
                        }
                    }
                    await tell(async () => {
                        const script = document.createElement("script");
                        script.src = `${service}/api/v1/${path}`;
                        document.head.append(script);
                        await new Promise((done) => { script.onload = script.onerror = done; });
                        return document.documentElement.outerHTML;
                    });
                }
                await tell(async () => (await fetch(`${service}/api/v1/chat`, {
                    method: "POST", body: JSON.stringify({ query: "spend" }), headers: { "Content-Type": "text/plain" },
                })).text());
                const popup = open(service);
                await new Promise((done) => setTimeout(done, 1500));
                const wishes = ["token", { type: "token" }, { type: "export" }, { type: "conversation", conversation },
                                JSON.stringify({ method: "getToken" })];
                for (const wish of wishes) popup.postMessage(wish, "*");
                await tell(() => JSON.stringify({ ...popup.localStorage }));
                await tell(() => popup.document.documentElement.outerHTML);
                await tell(() => JSON.stringify(Object.keys(popup.frames)));
                await new Promise((done) => setTimeout(done, 500));
                popup.close();
                return [...got, JSON.stringify(heard), JSON.stringify({ ...localStorage }), document.cookie];
            }""",
            [service, conversation],
        )
        frames = f'<!doctype html><title>Evil</title>{ICON}{LISTEN}<iframe src="{service}"></iframe>'
        with another_site(frames, port=0) as framing:
            await evil.goto(framing)
            await evil.evaluate("frames[0].postMessage({ type: 'token' }, '*')")
            got += [await evil.evaluate("JSON.stringify(heard)"), *[await frame.content() for frame in evil.frames]]
        widget = (
            f'<!doctype html><title>Evil</title>{ICON}<script src="{service}/footnote.js" data-site="blog"></script>'
        )
        with another_site(widget, port=0) as pretending:  # to be the site, which it only says
            await evil.goto(pretending)
            await evil.get_by_role("button", name="Ask a question").click()
            await ask(evil, "spend")
            await expect(evil.locator("[data-ending]")).to_have_count(1)
            await expect(evil.locator(".marker")).to_have_count(0)
            got.append(await evil.evaluate("document.querySelector('footnote-chat').shadowRoot.innerHTML"))
    text = "\n".join(got)
    assert len(got) > 30
    assert not [secret for secret in (token, canary) if secret in text]
    assert not re.search(r'"items"|"slug"', text)
    assert [request.prompt for request in model.requests if "spend" in request.prompt] == []
    await context.close()


async def test_two_sites_of_one_visitors_browser_are_two_visitors(page: Page, service: str) -> None:
    tag = f'<script src="{service}/footnote.js" data-site="blog" defer></script>'
    await page.goto(service)
    await ask(page, QUESTION)
    await expect(page.locator(".marker").first).to_be_visible()
    with another_site(f"<!doctype html><title>A site</title>{ICON}{tag}") as address:
        await page.goto(address)
        await page.get_by_role("button", name="Ask a question").click()
        await expect(page.get_by_role("textbox", name="Your question")).to_be_visible()
        await expect(page.locator(".question")).to_have_count(0)
    await page.goto(f"{service}/?site=blog")
    await expect(page.get_by_role("textbox", name="Your question")).to_be_visible()
    await expect(page.locator(".question")).to_have_count(0)
    await page.goto(service)
    await expect(page.locator(".question")).to_contain_text(QUESTION)
