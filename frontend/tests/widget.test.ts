import { describe, expect, test, vi } from "vitest";
import { announced, answers, ask, button, CREATORS, done, eachOnAPageOfItsOwn, eventually, field, place, press, service, sources, type } from "./page";
import { frame, json, SOURCE, stoppable, stream } from "./service";

const whole = [sources, frame(2, "token", { text: "Cut **250 Hz**." }), frame(3, "token", { text: "[1][2]" }), done(4)];

eachOnAPageOfItsOwn();

describe("a question", () => {
  test("is sent by Enter and answered with sources first and footnotes in the text", async () => {
    service.on("POST /chat", stream(whole));
    const root = place({ creator: "mara" });
    field(root).focus();
    await ask(root, "Why is it muddy?");
    await eventually(() => expect(answers(root)).toEqual(["Cut 250 Hz.12"]));
    expect(root.querySelectorAll('[data-testid="source-card"]')).toHaveLength(2);
    const [cards, answer] = [root.querySelector('[data-testid="source-card"]')!, root.querySelector('[data-testid="answer"]')!];
    expect(cards.compareDocumentPosition(answer) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
    expect(root.querySelector(".marker")!.getAttribute("aria-label")).toBe(`Source 1: ${SOURCE.title}`);
    expect(field(root).value).toBe("");
    expect(root.activeElement).toBe(field(root));
    expect(service.requests("POST /chat")[0]!.body).toMatchObject({ query: "Why is it muddy?", creator: "mara" });
  });

  test("is not sent by Shift and Enter, nor by the Enter that ends a composed word, nor when empty", async () => {
    const root = place();
    press(root, "Enter");
    type(root, "日本");
    await eventually(() => expect(button(root, "Send")!.disabled).toBe(false));
    press(root, "Enter", { shiftKey: true });
    press(root, "Enter", { isComposing: true });
    press(root, "Enter", { keyCode: 229 } as KeyboardEventInit);
    await new Promise((later) => setTimeout(later, 30));
    expect(service.requests("POST /chat")).toHaveLength(0);
  });

  test("is written without setting off what the page around does at a key", async () => {
    const root = place();
    const heard: string[] = [];
    const hear = ({ type, key }: KeyboardEvent) => void heard.push(`${type} ${key}`);
    for (const type of ["keydown", "keyup"] as const) document.addEventListener(type, hear);
    const send = (target: Element, type: string, key: string) =>
      target.dispatchEvent(new KeyboardEvent(type, { key, bubbles: true, composed: true }));
    for (const type of ["keydown", "keyup"]) send(field(root), type, "s");
    send(root.querySelector(".scroller")!, "keydown", "j");
    expect(heard).toEqual(["keydown j"]);
    for (const type of ["keydown", "keyup"] as const) document.removeEventListener(type, hear);
  });

  test("that is too long is counted and not sent", async () => {
    const root = place();
    type(root, "👍".repeat(950));
    await eventually(() => expect(root.querySelector("#characters")?.textContent).toBe("50 characters left"));
    type(root, "x".repeat(1001));
    await eventually(() => expect(root.querySelector("#characters")?.textContent).toBe("1 character too many"));
    expect(button(root, "Send")!.disabled).toBe(true);
  });

  test("can be taken from the examples of every creator in turn", async () => {
    service.on("POST /chat", stream(whole));
    const root = place();
    await eventually(() => expect([...root.querySelectorAll(".chip")].map((chip) => chip.textContent)).toEqual(["Why is it muddy?", "How does FM work?"]));
    root.querySelector<HTMLButtonElement>(".chip")!.click();
    await eventually(() => expect(service.requests("POST /chat")[0]?.body).toMatchObject({ query: "Why is it muddy?" }));
  });
});

describe("creators", () => {
  test("are asked for again where the network failed", async () => {
    service.on("GET /creators", (_, response) => void response.destroy(), json({ items: CREATORS }));
    const root = place({ creator: "teo" });
    await eventually(() => expect(root.querySelector("h2")?.textContent).toBe("Ask Teo"));
  });
});

describe("a screen reader", () => {
  test("hears a finished answer exactly once and nothing while it grows", async () => {
    const tokens = Array.from({ length: 20 }, (_, place) => frame(place + 2, "token", { text: `word${place} ` }));
    service.on("POST /chat", stream([sources, ...tokens, done(22)]));
    const root = place();
    const heard: string[] = [];
    const region = root.querySelector('[aria-live="polite"]')!;
    const observer = new MutationObserver(() => heard.push(region.textContent));
    observer.observe(region, { childList: true, subtree: true, characterData: true });
    await ask(root, "Why?");
    await eventually(() => expect(heard).toHaveLength(1));
    await new Promise((later) => setTimeout(later, 60));
    observer.disconnect();
    expect(heard).toEqual([`Answer: ${Array.from({ length: 20 }, (_, place) => `word${place}`).join(" ")}`]);
  });

  test("hears the same answer again when it is given again", async () => {
    service.on("POST /chat", stream(whole));
    const root = place();
    await ask(root, "Why?");
    await eventually(() => expect(announced(root)).toBe("Answer: Cut 250 Hz."));
    const first = root.querySelector('[aria-live="polite"]')!.firstChild;
    await ask(root, "Why?");
    await eventually(() => expect(root.querySelector('[aria-live="polite"]')!.firstChild).not.toBe(first));
    expect(announced(root)).toBe("Answer: Cut 250 Hz.");
  });

  test("does not hear what was said before the reader came back", async () => {
    service.on("POST /chat", stream(whole));
    service.on("GET /conversations/conversation-1", json({ id: "conversation-1", active_run_id: null }));
    service.on("GET /conversations/conversation-1/messages", json({ items: [
      { id: "1", role: "user", content: "Why?" },
      { id: "2", role: "assistant", content: "Saved.[1]", status: "complete", finish_reason: "stop", sources: [SOURCE], citations: [] },
    ] }));
    localStorage.setItem(`footnote:${service.endpoint}:conversation:*`, "conversation-1");
    const root = place();
    await eventually(() => expect(answers(root)).toEqual(["Saved.1"]));
    expect(announced(root)).toBe("");
    expect(root.querySelector('[role="log"]')!.getAttribute("aria-live")).toBe("off");
  });
});

describe("a footnote", () => {
  test("opens its source at the moment, or shows the passage where there is nothing to open", async () => {
    service.on("POST /chat", stream(whole));
    const opened = vi.spyOn(window, "open").mockReturnValue(null);
    const root = place();
    await ask(root, "Why?");
    await eventually(() => expect(root.querySelectorAll(".marker")).toHaveLength(2));
    const [first, second] = root.querySelectorAll<HTMLButtonElement>(".marker");
    first!.click();
    expect(opened).toHaveBeenCalledWith(SOURCE.url, "_blank", expect.stringContaining("noopener"));
    second!.click();
    await eventually(() => expect(root.activeElement?.getAttribute("data-index")).toBe("2"));
    expect(root.activeElement!.getAttribute("aria-expanded")).toBe("true");
    expect(opened).toHaveBeenCalledTimes(1);
  });

  test("previews its source and lights up its card while the pointer rests on it", async () => {
    service.on("POST /chat", stream(whole));
    const root = place();
    await ask(root, "Why?");
    await eventually(() => expect(root.querySelectorAll(".marker")).toHaveLength(2));
    root.querySelector(".marker")!.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    await eventually(() => expect(root.querySelector(".popover")?.textContent).toContain(SOURCE.snippet));
    expect(root.querySelector(".card.highlighted")?.getAttribute("data-index")).toBe("1");
    root.querySelector('[data-testid="answer"]')!.dispatchEvent(new MouseEvent("mouseleave"));
    await eventually(() => expect(root.querySelector(".popover")).toBeNull());
  });
});

describe("an answer", () => {
  test("shows four sources at first and all on request", async () => {
    const six = Array.from({ length: 6 }, (_, place) => ({ ...SOURCE, index: place + 1 }));
    service.on("POST /chat", stream([frame(1, "sources", six), frame(2, "token", { text: "All.[1][2][3][4][5][6]" }), done(3)]));
    const root = place();
    await ask(root, "Why?");
    const cards = () => root.querySelectorAll('[data-testid="source-card"]').length;
    await eventually(() => expect(root.querySelector("[data-ending]")).not.toBeNull());
    await eventually(() => expect(cards()).toBe(4));
    const more = [...root.querySelectorAll("button")].find((candidate) => candidate.textContent === "Show all 6")!;
    more.click();
    await eventually(() => expect(cards()).toBe(6));
  });

  test("that abstains reads calmly, and a failure kindly, without any code", async () => {
    const abstained = [sources, frame(2, "token", { text: "Nothing on that." }), done(3, { finish_reason: "abstained" })];
    const failed = [sources, frame(2, "error", { code: "tier_exploded", message: "Traceback", retryable: true })];
    service.on("POST /chat", stream(abstained), stream(failed));
    const root = place();
    await ask(root, "One?");
    await eventually(() => expect(root.querySelector(".abstention")?.textContent).toContain("Nothing on that."));
    await ask(root, "Two?");
    await eventually(() => expect(root.querySelector(".retry")?.textContent).toContain("Retry"));
    expect(root.querySelector(".failure")!.textContent).not.toMatch(/tier_exploded|Traceback/);
  });

  test("can be stopped, and says so", async () => {
    const { ask: answer, stop } = stoppable([sources, frame(2, "token", { text: "Half" })], done(3, { finish_reason: "stopped" }));
    service.on("POST /chat", answer).on("POST /chat/runs/run-1/stop", stop);
    const root = place();
    await ask(root, "Why?");
    await eventually(() => expect(answers(root)).toEqual(["Half"]));
    expect(button(root, "Send")).toBeNull();
    button(root, "Stop")!.click();
    expect(root.activeElement).toBe(field(root));
    await eventually(() => expect(root.querySelector(".note")?.textContent).toBe("You stopped this answer."));
    expect(button(root, "Send")).not.toBeNull();
  });

  test("is not covered by a keyboard on a touch screen, whatever the reader presses", async () => {
    vi.stubGlobal("matchMedia", (query: string) => ({ matches: query === "(pointer: coarse)" }));
    const { ask: answer, stop } = stoppable([sources, frame(2, "token", { text: "Half" })], done(3));
    service.on("POST /chat", answer).on("POST /chat/runs/run-1/stop", stop);
    const root = place({ floating: "" });
    const focus = vi.spyOn(HTMLTextAreaElement.prototype, "focus");
    const goesOn = (press: () => void) => {
      press();
      return eventually(() => expect(root.activeElement).toBe(root.querySelector(".scroller")));
    };
    await goesOn(() => button(root, "Ask a question")!.click());
    await eventually(() => expect(root.querySelector(".chip")).not.toBeNull());
    await goesOn(() => root.querySelector<HTMLElement>(".chip")!.click());
    await eventually(() => expect(answers(root)).toEqual(["Half"]));
    await goesOn(() => button(root, "Stop")!.click());
    await eventually(() => expect(root.querySelector(".renew")).not.toBeNull());
    await goesOn(() => root.querySelector<HTMLElement>(".renew")!.click());
    await goesOn(() => button(root, "New conversation")!.click());
    expect(focus).not.toHaveBeenCalled();
    vi.unstubAllGlobals();
  });

  test("quoted from the sources says so quietly", async () => {
    service.on("POST /chat", stream([sources, frame(2, "token", { text: "Quote.[1]" }), done(3, { cascade_tier: "extractive" })]));
    const root = place();
    await ask(root, "Why?");
    await eventually(() => expect(root.querySelector(".note")?.textContent).toContain("Quoted directly from the sources"));
  });

  test("says what was searched where that is not what was asked", async () => {
    const searched = (query: string) => stream([sources, frame(2, "token", { text: "So." }), done(3, { standalone_query: query })]);
    service.on("POST /chat", searched("Why? (reverb room)"));
    const root = place();
    await ask(root, "Why?");
    await eventually(() => expect(root.querySelector(".note")?.textContent).toBe("Searched for: Why? (reverb room)"));
    service.on("POST /chat", searched("Why then?"));
    await ask(root, "Why then?");
    await eventually(() => expect(root.querySelectorAll('[data-ending="answered"]')).toHaveLength(2));
    expect(root.querySelectorAll(".note")).toHaveLength(1);
  });
});

describe("the element", () => {
  test("keeps a question that is written while the conversation is being opened", async () => {
    let release = () => {};
    const opening = new Promise<void>((resolve) => (release = resolve));
    service.on("GET /conversations/c", async (request, response) => {
      await opening;
      json({ id: "c", active_run_id: null })(request, response);
    });
    service.on("GET /conversations/c/messages", json({ items: [{ id: "1", role: "user", content: "Old" }] }));
    service.on("POST /chat", stream(whole));
    localStorage.setItem(`footnote:${service.endpoint}:conversation:*`, "c");
    const root = place();
    type(root, "New?");
    await eventually(() => expect(service.requests("GET /conversations/c")).toHaveLength(1));
    press(root, "Enter");
    expect(field(root).value).toBe("New?");
    release();
    await eventually(() => expect(button(root, "Send")!.disabled).toBe(false));
    press(root, "Enter");
    await eventually(() => expect(service.requests("POST /chat")[0]?.body).toMatchObject({ query: "New?", conversation_id: "c" }));
  });

  test("switches to the conversation of another creator and back", async () => {
    service.on("POST /chat", stream(whole));
    const messages = [{ id: "1", role: "user", content: "Why?" }, { id: "2", role: "assistant", content: "Kept.", status: "complete" }];
    service.on("GET /conversations/conversation-1", json({ id: "conversation-1", active_run_id: null }));
    service.on("GET /conversations/conversation-1/messages", json({ items: messages }));
    const root = place({ creator: "mara" });
    await ask(root, "Why?");
    await eventually(() => expect(answers(root)).toHaveLength(1));
    root.host.setAttribute("creator", "teo");
    await eventually(() => expect(answers(root)).toHaveLength(0));
    await eventually(() => expect(root.querySelector(".empty h2")?.textContent).toBe("Ask Teo"));
    root.host.setAttribute("creator", "mara");
    await eventually(() => expect(answers(root)).toEqual(["Kept."]));
  });

  test("starts over with an empty conversation", async () => {
    service.on("POST /chat", stream(whole));
    const root = place();
    await ask(root, "Why?");
    await eventually(() => expect(root.host.hasAttribute("conversing")).toBe(true));
    await eventually(() => expect(button(root, "Send")).not.toBeNull());
    button(root, "New conversation")!.click();
    await eventually(() => expect(root.querySelector(".empty")).not.toBeNull());
    expect(localStorage.getItem(`footnote:${service.endpoint}:conversation:*`)).toBeNull();
    await eventually(() => expect(root.host.hasAttribute("conversing")).toBe(false));
  });

  test("asks the service for nothing while it floats unopened", async () => {
    const root = place({ floating: "" });
    await new Promise((later) => setTimeout(later, 40));
    expect(service.received).toHaveLength(0);
    button(root, "Ask a question")!.click();
    await eventually(() => expect(service.requests("GET /creators")).toHaveLength(1));
    expect(field(root)).not.toBeNull();
  });
});
