// The list of conversations in the widget: whose they are, opened, deleted, and left again.
import { describe, expect, test } from "vitest";
import { ask, button, done, eachOnAPageOfItsOwn, eventually, place, service, sources } from "./page";
import { frame, json, stream } from "./service";

eachOnAPageOfItsOwn();

const OPEN = "Your conversations";
const item = (id: string, creator: string | null, title = `On ${id}`) => ({
  id, title, creator, created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z", active_run_id: null,
});
const titles = (root: ShadowRoot) => [...root.querySelectorAll(".history .chip")].map((node) => node.textContent);
const named = (root: ShadowRoot, text: string) =>
  [...root.querySelectorAll<HTMLButtonElement>(".history button")].find((node) => node.textContent === text)!;

async function listed(creator: string | null, ...items: unknown[]): Promise<ShadowRoot> {
  service.on("POST /chat", stream([sources, frame(2, "token", { text: "So." }), done(3)]));
  service.on("GET /conversations", json({ items, next_cursor: null }));
  const root = place(creator === null ? {} : { creator });
  await ask(root, "Why?");
  await eventually(() => expect(root.querySelectorAll('[data-ending="answered"]')).toHaveLength(1));
  button(root, OPEN)!.click();
  await eventually(() => expect(root.querySelector(".history h2")).not.toBeNull());
  return root;
}

describe("the list in the widget", () => {
  test("has what was asked of this creator, and goes when it is opened or something is asked", async () => {
    const root = await listed("mara", item("a", "mara"), item("b", "teo"), item("c", null));
    await eventually(() => expect(titles(root)).toEqual(["On a"]));
    expect(root.activeElement?.textContent).toBe(OPEN);
    expect(root.querySelector(".question")).toBeNull();
    const asked = { id: "m1", seq: 1, role: "user", content: "What of a?", status: "complete", sources: [], citations: [] };
    service.on("GET /conversations/a", json({ id: "a", active_run_id: null }));
    service.on("GET /conversations/a/messages", json({ items: [asked], next_cursor: null }));
    named(root, "On a").click();
    await eventually(() => expect(root.querySelector(".question")?.textContent).toContain("What of a?"));
    expect(root.querySelector(".history")).toBeNull();
    button(root, OPEN)!.click();
    await eventually(() => expect(root.querySelector(".history")).not.toBeNull());
    await ask(root, "And then?");
    await eventually(() => expect(root.querySelector(".history")).toBeNull());
  });

  test("asks before it deletes, and says what is gone", async () => {
    const root = await listed(null, item("a", null), item("b", null));
    await eventually(() => expect(titles(root)).toEqual(["On a", "On b"]));
    service.on("DELETE /conversations/b", json(null, 200));
    button(root, "Delete “On b”")!.click();
    await eventually(() => expect(root.activeElement?.textContent).toBe("Keep"));
    named(root, "Keep").click();
    await eventually(() => expect(titles(root)).toEqual(["On a", "On b"]));
    expect(service.requests("DELETE /conversations/b")).toHaveLength(0);
    button(root, "Delete “On b”")!.click();
    await eventually(() => expect(named(root, "Delete")).toBeDefined());
    named(root, "Delete").click();
    await eventually(() => expect(root.querySelector(".history [role=status]")!.textContent).toBe("“On b” is deleted."));
    expect(titles(root)).toEqual(["On a"]);
    expect(service.requests("DELETE /conversations/b")).toHaveLength(1);
  });

  test("says so where nothing can be read or deleted", async () => {
    const root = await listed(null, item("a", null));
    await eventually(() => expect(titles(root)).toEqual(["On a"]));
    service.on("DELETE /conversations/a", json({ error: "Away.", code: "unavailable" }, 503));
    button(root, "Delete “On a”")!.click();
    await eventually(() => expect(named(root, "Delete")).toBeDefined());
    named(root, "Delete").click();
    await eventually(() => expect(root.querySelector(".history [role=status]")!.textContent).toContain("did not work"));
    expect(titles(root)).toEqual(["On a"]);
  });

  test("is not there where the page has one of its own, nor for somebody who has asked nothing yet", async () => {
    expect(button(place(), OPEN)).toBeNull();
    service.on("POST /chat", stream([sources, frame(2, "token", { text: "So." }), done(3)]));
    const root = place({ listed: "" });
    await ask(root, "Why?");
    await eventually(() => expect(root.querySelectorAll('[data-ending="answered"]')).toHaveLength(1));
    expect(button(root, OPEN)).toBeNull();
  });
});
