// What a reader does with a finished answer: rates it, says why, and has it made anew.
import { describe, expect, test } from "vitest";
import { announced, answers, ask, button, done, eachOnAPageOfItsOwn, eventually, field, place, service, sources } from "./page";
import { DONE, frame, json, type Received, stream } from "./service";

eachOnAPageOfItsOwn();

const MESSAGE = "/conversations/conversation-1/messages/message-1";
const whole = (text: string, more = {}) => [sources, frame(2, "token", { text }), done(3, more)];
const none = json(null, 200);

const named = (root: ShadowRoot, text: string) =>
  [...root.querySelectorAll<HTMLButtonElement>("button")].find((node) => node.textContent?.trim() === text);
const pressed = (root: ShadowRoot) =>
  ["Helpful", "Not helpful"].filter((name) => button(root, name)?.getAttribute("aria-pressed") === "true");
const comment = (root: ShadowRoot) => root.querySelector<HTMLTextAreaElement>(".comment textarea");
const remark = (root: ShadowRoot) => root.querySelector(".remark")?.textContent;
const said = (requests: Received[]) => requests.map(({ body }) => body);

function write(root: ShadowRoot, text: string, key: string): void {
  const there = comment(root)!;
  there.value = text;
  there.dispatchEvent(new InputEvent("input", { bubbles: true }));
  there.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}

async function answered(text = "Cut it [1]."): Promise<ShadowRoot> {
  service.on("POST /chat", stream(whole(text)));
  const root = place();
  await ask(root, "Why?");
  await eventually(() => expect(button(root, "Helpful")).not.toBeNull());
  return root;
}

/** The conversation as it is saved. */
function saved(feedback: unknown, content = "Cut it [1]."): void {
  const rest = { status: "complete", sources: [], citations: [], finish_reason: "stop" };
  service.on("GET /conversations/conversation-1", json({ id: "conversation-1", active_run_id: null }));
  service.on(
    "GET /conversations/conversation-1/messages",
    json({ items: [{ id: "q", role: "user", content: "Why?" }, { id: "message-1", role: "assistant", content, feedback, ...rest }] }),
  );
}

describe("a rating", () => {
  test("is kept, changed and taken back, and shows which one holds", async () => {
    const root = await answered();
    service.on(`PUT ${MESSAGE}/feedback`, none).on(`DELETE ${MESSAGE}/feedback`, none);
    expect(pressed(root)).toEqual([]);
    button(root, "Helpful")!.click();
    await eventually(() => expect(pressed(root)).toEqual(["Helpful"]));
    button(root, "Not helpful")!.click();
    await eventually(() => expect(pressed(root)).toEqual(["Not helpful"]));
    button(root, "Not helpful")!.click();
    await eventually(() => expect(pressed(root)).toEqual([]));
    await eventually(() => expect(service.requests(`DELETE ${MESSAGE}/feedback`)).toHaveLength(1));
    expect(said(service.requests(`PUT ${MESSAGE}/feedback`))).toEqual([
      { rating: "up", comment: null },
      { rating: "down", comment: null },
    ]);
    expect(comment(root)).toBeNull();
  });

  test("that cannot be kept is taken back, and the reader is told", async () => {
    const root = await answered();
    service.on(`PUT ${MESSAGE}/feedback`, json({ code: "unavailable" }, 503));
    button(root, "Helpful")!.click();
    await eventually(() => expect(remark(root)).toMatch(/could not be kept/));
    await eventually(() => expect(pressed(root)).toEqual([]));
  });

  test("goes out in the order in which it was given", async () => {
    const root = await answered();
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    service.on(`PUT ${MESSAGE}/feedback`, async (request, response) => {
      await held;
      none(request, response);
    });
    service.on(`DELETE ${MESSAGE}/feedback`, none);
    button(root, "Helpful")!.click();
    await eventually(() => expect(pressed(root)).toEqual(["Helpful"]));
    button(root, "Helpful")!.click();
    await eventually(() => expect(pressed(root)).toEqual([]));
    await eventually(() => expect(service.requests(`PUT ${MESSAGE}/feedback`)).toHaveLength(1));
    expect(service.requests(`DELETE ${MESSAGE}/feedback`)).toHaveLength(0);
    release();
    await eventually(() => expect(service.requests(`DELETE ${MESSAGE}/feedback`)).toHaveLength(1));
  });

  test("given before is there again, with its comment, when the conversation returns", async () => {
    saved({ rating: "down", comment: "Too short." });
    localStorage.setItem(`footnote:${service.endpoint}:conversation:*`, "conversation-1");
    const root = place();
    await eventually(() => expect(pressed(root)).toEqual(["Not helpful"]));
    expect(comment(root)).toBeNull();
    named(root, "Change your comment")!.click();
    await eventually(() => expect(comment(root)?.value).toBe("Too short."));
  });

  test("is not asked for while the answer grows, nor where there is none", async () => {
    service.on("POST /chat", stream([sources, frame(2, "error", { code: "unavailable", retryable: true, message_id: "message-1" })]));
    const root = place();
    await ask(root, "Why?");
    await eventually(() => expect(root.querySelector(".retry")).not.toBeNull());
    expect(button(root, "Helpful")).toBeNull();
  });
});

describe("a comment", () => {
  test("is sent by Enter, and the focus goes back to the thumb", async () => {
    const root = await answered();
    service.on(`PUT ${MESSAGE}/feedback`, none);
    button(root, "Not helpful")!.click();
    await eventually(() => expect(root.activeElement).toBe(comment(root)));
    write(root, "  It is too short.  ", "Enter");
    await eventually(() => expect(remark(root)).toMatch(/Thank you/));
    expect(said(service.requests(`PUT ${MESSAGE}/feedback`)).at(-1)).toEqual({ rating: "down", comment: "It is too short." });
    expect(comment(root)).toBeNull();
    expect(root.activeElement).toBe(button(root, "Not helpful"));
  });

  test("is left out by Escape, which closes nothing else, and the rating stays", async () => {
    const root = await answered();
    service.on(`PUT ${MESSAGE}/feedback`, none);
    let escaped = 0;
    root.addEventListener("keydown", () => (escaped += 1));
    button(root, "Not helpful")!.click();
    await eventually(() => expect(comment(root)).not.toBeNull());
    write(root, "Never mind", "Escape");
    await eventually(() => expect(comment(root)).toBeNull());
    expect(escaped).toBe(0);
    expect(pressed(root)).toEqual(["Not helpful"]);
    expect(said(service.requests(`PUT ${MESSAGE}/feedback`))).toEqual([{ rating: "down", comment: null }]);
  });

  test("that is too long is not sent", async () => {
    const root = await answered();
    service.on(`PUT ${MESSAGE}/feedback`, none);
    button(root, "Not helpful")!.click();
    await eventually(() => expect(comment(root)).not.toBeNull());
    write(root, "x".repeat(1002), "Enter");
    await eventually(() => expect(root.querySelector(".comment .over")?.textContent).toBe("2 characters too many"));
    expect(comment(root)!.getAttribute("aria-invalid")).toBe("true");
    expect(service.requests(`PUT ${MESSAGE}/feedback`)).toHaveLength(1);
  });
});

describe("an answer made anew", () => {
  test("takes the place of the last one, whose rating goes with it", async () => {
    const root = await answered("First.");
    service.on(`PUT ${MESSAGE}/feedback`, none);
    service.on(`POST ${MESSAGE}/regenerate`, stream(whole("Second.", { message_id: "message-2" })));
    button(root, "Helpful")!.click();
    await eventually(() => expect(pressed(root)).toEqual(["Helpful"]));
    named(root, "Try again")!.click();
    await eventually(() => expect(answers(root)).toEqual(["Second."]));
    await eventually(() => expect(named(root, "Try again")).toBeDefined());
    expect(pressed(root)).toEqual([]);
    expect(announced(root)).toBe("Answer: Second.");
    expect(root.activeElement).toBe(field(root));
    const [request] = service.requests(`POST ${MESSAGE}/regenerate`);
    expect(request!.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
    service.on("PUT /conversations/conversation-1/messages/message-2/feedback", none);
    button(root, "Helpful")!.click();
    await eventually(() => expect(service.requests("PUT /conversations/conversation-1/messages/message-2/feedback")).toHaveLength(1));
  });

  test("can only be the last one", async () => {
    const root = await answered("First.");
    service.on("POST /chat", stream(whole("Second.", { message_id: "message-2" })));
    await ask(root, "And then?");
    await eventually(() => expect(root.querySelectorAll(".thumbs")).toHaveLength(2));
    expect([...root.querySelectorAll(".renew")].map((node) => node.closest(".turn")!.textContent)).toEqual([
      expect.stringContaining("Second."),
    ]);
  });

  test("that fails leaves the one from before, and can be tried once more", async () => {
    const root = await answered("First.");
    const failing = [sources, frame(2, "token", { text: "Sec" }), frame(3, "error", { code: "unavailable", retryable: true })];
    service.on(`POST ${MESSAGE}/regenerate`, stream(failing), json({ code: "rate_limited", retry_after: 7 }, 429), stream(whole("Third.")));
    named(root, "Try again")!.click();
    await eventually(() => expect(root.querySelector(".failure")?.textContent).toMatch(/this is the one from before.*not available/));
    expect(answers(root)).toEqual(["First."]);
    expect(announced(root)).toMatch(/^There is no new answer/);
    expect(button(root, "Helpful")).not.toBeNull();
    root.querySelector<HTMLButtonElement>(".retry")!.click();
    await eventually(() => expect(root.querySelector(".failure")?.textContent).toMatch(/in 7 seconds/));
    expect(answers(root)).toEqual(["First."]);
    root.querySelector<HTMLButtonElement>(".retry")!.click();
    await eventually(() => expect(service.requests(`POST ${MESSAGE}/regenerate`)).toHaveLength(3));
    expect(new Set(service.requests(`POST ${MESSAGE}/regenerate`).map(({ headers }) => headers["idempotency-key"])).size).toBe(3);
    expect(service.requests("POST /chat")).toHaveLength(1);
  });

  test("that was stopped before a word leaves the one from before", async () => {
    const root = await answered("First.");
    service.on(`POST ${MESSAGE}/regenerate`, stream([sources, done(2, { finish_reason: "stopped" })]));
    named(root, "Try again")!.click();
    await eventually(() => expect(service.requests(`POST ${MESSAGE}/regenerate`)).toHaveLength(1));
    await eventually(() => expect(answers(root)).toEqual(["First."]));
    expect(root.querySelector(".failure")).toBeNull();
    expect(root.querySelector(".note")).toBeNull();
  });

  test("in another tab is shown instead of being made once more", async () => {
    const root = await answered("First.");
    saved(null, "Another.");
    service.on(`POST ${MESSAGE}/regenerate`, json({ code: "not_found" }, 404));
    named(root, "Try again")!.click();
    await eventually(() => expect(answers(root)).toEqual(["Another."]));
    expect(root.querySelector(".failure")).toBeNull();
  });

  test("in a conversation that is gone is asked in a new one", async () => {
    const root = await answered("First.");
    const fresh = { ...DONE, conversation_id: "conversation-2", message_id: "message-9" };
    service.on("POST /chat", json({ code: "not_found" }, 404), stream([sources, frame(2, "token", { text: "New." }), frame(3, "done", fresh)]));
    named(root, "Try again")!.click();
    await eventually(() => expect(answers(root)).toEqual(["New."]));
    expect(said(service.requests("POST /chat"))).toMatchObject([
      { conversation_id: null },
      { conversation_id: "conversation-1", query: "Why?" },
      { conversation_id: null, query: "Why?" },
    ]);
  });

  test("that finds no way out leaves the one from before in sight, and is made once the network is back", async () => {
    const root = await answered("First.");
    const lost = (_: Received, response: { destroy(): unknown }) => void response.destroy();
    const second = stream(whole("Second.", { message_id: "message-2" }));
    service.on(`POST ${MESSAGE}/regenerate`, lost, lost, lost, lost, second);
    named(root, "Try again")!.click();
    const tries = () => service.requests(`POST ${MESSAGE}/regenerate`).length;
    await eventually(() => {
      if (tries() < 4) dispatchEvent(new Event("online")); // ends the pause before the next try
      expect(tries()).toBe(4);
    });
    await eventually(() => expect(root.querySelector(".failure")?.textContent).toContain("this is the one from before"));
    expect(answers(root)).toEqual(["First."]);
    expect(announced(root)).toContain("this is the one from before");
    dispatchEvent(new Event("online"));
    await eventually(() => expect(answers(root)).toEqual(["Second."]));
  });

  test("that the connection lost before it was taken is asked for under the same key", async () => {
    const root = await answered("First.");
    const lost = (_: Received, response: { destroy(): unknown }) => void response.destroy();
    service.on(`POST ${MESSAGE}/regenerate`, lost, stream(whole("Second.", { message_id: "message-2" })));
    named(root, "Try again")!.click();
    await eventually(() => expect(answers(root)).toEqual(["Second."]));
    const keys = service.requests(`POST ${MESSAGE}/regenerate`).map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
  });
});
