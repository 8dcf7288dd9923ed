// The list of saved conversations on a page in jsdom, before a real service on loopback.
import { render } from "preact";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SavedList } from "../src/page/saved_list";
import type { Listed } from "../src/protocol/message";
import { Library } from "../src/transport/library";
import { json, Service } from "./service";

let service: Service;
let opened: (string | null)[];
let chat: HTMLElement & { conversation: string | null };
let deleted: (string | null)[];

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 10 });
const item = (id: string, title = `Title ${id}`): Listed => ({ id, title, creator: null });
const titles = () => [...document.querySelectorAll(".saved-open")].map((node) => node.textContent);
const button = (name: string) =>
  [...document.querySelectorAll("button")].find((node) => (node.getAttribute("aria-label") ?? node.textContent) === name)!;
const press = (node: Element, key: string) => node.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const told = () => document.querySelector('[role="status"]')!.textContent;

beforeEach(async () => {
  service = await Service.start();
  service.on("GET /conversations", json({ items: [item("a"), item("b")], next_cursor: null }));
  opened = [];
  deleted = [];
  chat = Object.assign(document.createElement("div"), { conversation: "b" });
  document.body.replaceChildren(document.createElement("main"));
});

afterEach(async () => {
  render(null, document.querySelector("main")!);
  await service.close();
});

const token = { read: () => "token", write: () => undefined };

function place(): void {
  const onOpen = (conversation: Listed | null) => void opened.push(conversation?.id ?? null);
  render(
    <SavedList
      chat={chat}
      library={new Library(service.endpoint, token)}
      onOpen={onOpen}
      onDeleted={(id) => void deleted.push(id)}
    />,
    document.querySelector("main")!,
  );
}

async function actionsOf(title: string): Promise<void> {
  await eventually(() => expect(titles()).toContain(title));
  button(`What to do with “${title}”`).click();
  await eventually(() => expect(document.activeElement).toBe(button("Rename")));
}

describe("the list", () => {
  test("names what is shown, opens what is chosen, and begins anew", async () => {
    place();
    await eventually(() => expect(titles()).toEqual(["Title a", "Title b"]));
    expect(button("Title b").getAttribute("aria-current")).toBe("true");
    expect(button("Title a").hasAttribute("aria-current")).toBe(false);
    button("Title a").click();
    button("New conversation").click();
    expect(opened).toEqual(["a", null]);
  });

  test("is read again when the chat has changed, and further down when that is asked for", async () => {
    place();
    await eventually(() => expect(titles()).toHaveLength(2));
    service.on("GET /conversations", json({ items: [item("c"), item("a")], next_cursor: "1-2-3" }));
    chat.conversation = "c";
    chat.dispatchEvent(new Event("change"));
    await eventually(() => expect(titles()).toEqual(["Title c", "Title a"]));
    await eventually(() => expect(button("Title c").getAttribute("aria-current")).toBe("true"));
    service.on("GET /conversations", json({ items: [item("a"), item("b")], next_cursor: null }));
    button("Show more").click();
    await eventually(() => expect(titles()).toEqual(["Title c", "Title a", "Title b"]));
    service.on("GET /conversations", json({ items: [item("d"), item("c")], next_cursor: "4-5-6" }));
    chat.dispatchEvent(new Event("change"));
    await eventually(() => expect(titles()).toEqual(["Title d", "Title c", "Title a", "Title b"]));
  });

  test("says so where it cannot be read, until it can", async () => {
    service.on("GET /conversations", json({ code: "unavailable" }, 503));
    place();
    await eventually(() => expect(document.body.textContent).toContain("cannot be read"));
    service.on("GET /conversations", json({ items: [item("a")], next_cursor: null }));
    dispatchEvent(new Event("online"));
    await eventually(() => expect(titles()).toEqual(["Title a"]));
    expect(document.body.textContent).not.toContain("cannot be read");
  });

  test("shows a title as the text that it is", async () => {
    service.on("GET /conversations", json({ items: [item("a", "<img src=x onerror=alert(1)>")], next_cursor: null }));
    place();
    await eventually(() => expect(titles()).toEqual(["<img src=x onerror=alert(1)>"]));
    expect(document.querySelector("img")).toBeNull();
  });
});

describe("a conversation", () => {
  test("is renamed by Enter, and keeps its title by Escape, which leads back", async () => {
    service.on("PATCH /conversations/a", json(item("a", "Loud masters")));
    place();
    await actionsOf("Title a");
    button("Rename").click();
    await eventually(() => expect(document.activeElement?.getAttribute("aria-label")).toBe("New title"));
    press(document.activeElement!, "Escape");
    await eventually(() => expect(document.activeElement).toBe(button("What to do with “Title a”")));
    await actionsOf("Title a");
    button("Rename").click();
    await eventually(() => expect(document.activeElement?.tagName).toBe("INPUT"));
    (document.activeElement as HTMLInputElement).value = "  Loud masters ";
    press(document.activeElement!, "Enter");
    await eventually(() => expect(titles()).toEqual(["Loud masters", "Title b"]));
    expect(service.requests("PATCH /conversations/a").map(({ body }) => body)).toEqual([{ title: "Loud masters" }]);
    expect(told()).toContain("Loud masters");
  });

  test("is deleted only when that was asked once more, and the chat leaves it", async () => {
    service.on("DELETE /conversations/b", (_, response) => void response.writeHead(204).end());
    place();
    await actionsOf("Title b");
    button("Delete").click();
    await eventually(() => expect(document.activeElement).toBe(button("Keep")));
    button("Keep").click();
    await actionsOf("Title b");
    expect(service.requests("DELETE /conversations/b")).toHaveLength(0);
    button("Delete").click();
    await eventually(() => expect(document.activeElement).toBe(button("Keep")));
    button("Delete").click();
    await eventually(() => expect(titles()).toEqual(["Title a"]));
    expect([opened, deleted]).toEqual([[null], ["b"]]);
    expect(document.activeElement).toBe(button("New conversation"));
    expect(told()).toBe("“Title b” is deleted.");
  });

  test("and all others are deleted when that was asked once more, and kept by Escape", async () => {
    service.on("DELETE /conversations", (_, response) => void response.writeHead(204).end());
    place();
    await eventually(() => expect(titles()).toHaveLength(2));
    button("Delete all conversations").click();
    await eventually(() => expect(document.activeElement).toBe(button("Keep")));
    press(button("Keep"), "Escape");
    await eventually(() => expect(document.activeElement).toBe(button("Delete all conversations")));
    expect(service.requests("DELETE /conversations")).toHaveLength(0);
    button("Delete all conversations").click();
    await eventually(() => expect(document.activeElement).toBe(button("Keep")));
    service.on("GET /conversations", json({ items: [], next_cursor: null }));
    button("Delete").dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 2 }));
    expect(service.requests("DELETE /conversations")).toHaveLength(0);
    button("Delete").click();
    await eventually(() => expect(titles()).toEqual([]));
    expect(told()).toBe("Your conversations are deleted.");
    expect(opened).toEqual([null]);
    expect(document.activeElement).toBe(button("New conversation"));
  });

  test("that could not be changed is said to be so, and stays", async () => {
    service.on("DELETE /conversations/a", json({ code: "unavailable" }, 503));
    place();
    await actionsOf("Title a");
    button("Delete").click();
    await eventually(() => expect(document.activeElement).toBe(button("Keep")));
    button("Delete").click();
    await eventually(() => expect(told()).toContain("did not work"));
    expect(titles()).toEqual(["Title a", "Title b"]);
  });
});
