import { describe, expect, test } from "vitest";
import { announced, answers, ask, done, eachOnAPageOfItsOwn, eventually, field, place, SECOND, service, sources } from "./page";
import { frame, json, SOURCE, stoppable, stream } from "./service";

eachOnAPageOfItsOwn();

describe("whose an answer is", () => {
  const OTHERS = { ...SOURCE, index: 2, title: "From Teo", creator: { slug: "teo", name: "Teo" }, scope: "global" };
  const ALSO = { ...OTHERS, index: 3, title: "From Teo too" };
  const said = (found: unknown[], text: string, more = {}) =>
    stream([frame(1, "sources", found), frame(2, "token", { text }), done(3, more)]);
  const origin = (root: ShadowRoot) => root.querySelector(".origin")?.textContent ?? null;
  const finished = (root: ShadowRoot) => eventually(() => expect(root.querySelector("[data-ending]")).not.toBeNull());
  const card = (root: ShadowRoot, index: number) => root.querySelector(`[data-testid="source-card"][data-index="${index}"]`)!;

  test("is said above it and on every card where others answer for the creator who was asked", async () => {
    service.on("POST /chat", said([OTHERS, ALSO], "Said by others.[2][3]"));
    const root = place({ creator: "mara" });
    await eventually(() => expect(root.textContent).toContain("Mara")); // the announcement is not corrected later
    await ask(root, "Why?");
    await finished(root);
    expect(origin(root)).toBe("Not from Mara; others say:");
    expect(card(root, 2).textContent).toContain("Teo");
    expect(card(root, 2).textContent).toContain("another creator");
    expect(announced(root)).toBe("Answer: Not from Mara; others say: Said by others.");
  });

  test("is known as soon as the sources are there", async () => {
    const { ask: answer, stop } = stoppable([frame(1, "sources", [OTHERS])], done(2, { finish_reason: "stopped" }));
    service.on("POST /chat", answer).on("POST /chat/runs/run-1/stop", stop);
    const root = place({ creator: "mara" });
    await ask(root, "Why?");
    await eventually(() => expect(origin(root)).toBe("Not from Mara; others say:"));
    expect(answers(root)).toEqual([]);
  });

  test("is said to be partly of others only where they are cited beside the creator", async () => {
    service.on("POST /chat", said([SOURCE, OTHERS], "Both.[1][2]"), said([SOURCE, OTHERS], "Mara alone.[1]"), said([SOURCE, OTHERS], "Teo.[2]"));
    const root = place({ creator: "mara" });
    const origins = [];
    for (const question of ["One?", "Two?", "Three?"]) {
      await ask(root, question);
      await eventually(() => expect(root.querySelectorAll("[data-ending]")).toHaveLength(origins.length + 1));
      const replies = root.querySelectorAll("[data-ending]");
      origins.push(replies[replies.length - 1]!.querySelector(".origin")?.textContent ?? null);
    }
    expect(origins).toEqual(["Partly from others, not from Mara alone:", null, "Not from Mara; others say:"]);
    expect(card(root, 1).textContent).not.toContain("another creator");
  });

  test("is no matter where everyone was asked", async () => {
    service.on("POST /chat", said([OTHERS], "Said.[2]"));
    const root = place();
    await ask(root, "Why?");
    await finished(root);
    expect(origin(root)).toBeNull();
    expect(card(root, 2).textContent).not.toContain("another creator");
  });

  test("is the same after a reload, with what it cites, what was only found, and what is in doubt", async () => {
    service.on("GET /conversations/c", json({ id: "c", active_run_id: null }));
    service.on("GET /conversations/c/messages", json({ items: [
      { id: "1", role: "user", content: "Why?" },
      { id: "2", role: "assistant", content: "So.[2] Or not.[2]", status: "complete", finish_reason: "stop", sources: [SOURCE, OTHERS],
        citations: [{ index: 2, sentence: "So.", supported: true }, { index: 2, sentence: "Or not.", supported: false }] },
    ] }));
    localStorage.setItem(`footnote:${service.endpoint}:conversation:mara`, "c");
    const root = place({ creator: "mara" });
    await eventually(() => expect(origin(root)).toBe("Not from Mara; others say:"));
    expect([...root.querySelectorAll(".marker")].map((marker) => marker.classList.contains("doubted"))).toEqual([false, true]);
    expect([...root.querySelectorAll('[data-testid="source-card"]')].map((node) => node.getAttribute("data-index"))).toEqual(["2"]);
    expect(root.querySelector(".fold")!.textContent).toBe("Also found (1)");
  });

  test("is the creator's alone where the site forbids to widen", async () => {
    service.on("POST /chat", said([SOURCE], "Own.[1]"));
    const root = place({ creator: "mara", widen: "false" });
    await ask(root, "Why?");
    await finished(root);
    expect(service.requests("POST /chat")[0]!.body).toMatchObject({ creator: "mara", widen: false });
    root.host.removeAttribute("widen");
    await eventually(() => expect(field(root)).not.toBeNull());
    await ask(root, "And now?");
    await eventually(() => expect(service.requests("POST /chat")[1]?.body).toMatchObject({ creator: "mara", widen: true }));
  });
});

describe("sources", () => {
  test("that are not cited are folded away when the answer ends, and unfold by their button", async () => {
    service.on("POST /chat", stream([sources, frame(2, "token", { text: "Only the second.[2]" }), done(3)]));
    const root = place();
    const shown = () => [...root.querySelectorAll('[data-testid="source-card"]')].map((node) => node.getAttribute("data-index"));
    await ask(root, "Why?");
    await eventually(() => expect(shown()).toEqual(["2"]));
    const fold = root.querySelector<HTMLButtonElement>(".fold")!;
    expect([fold.textContent, fold.getAttribute("aria-expanded")]).toEqual(["Also found (1)", "false"]);
    fold.click();
    await eventually(() => expect(shown()).toEqual(["2", "1"]));
    expect(fold.getAttribute("aria-expanded")).toBe("true");
  });

  test("that the keyboard is at when they are folded away leave it at what unfolds them, or where they are then", async () => {
    for (const [text, goesOn] of [["Only the second.[2]", ".fold"], ["None.", '[data-index="1"]']] as const) {
      const { ask: answer, stop } = stoppable([sources, frame(2, "token", { text })], done(3));
      service.on("POST /chat", answer).on("POST /chat/runs/run-1/stop", stop);
      const root = place();
      await ask(root, "Why?");
      await eventually(() => expect(answers(root)).toHaveLength(1));
      root.querySelector<HTMLElement>('[data-index="1"]')!.focus();
      root.querySelector<HTMLElement>(".stop")!.click();
      root.querySelector<HTMLElement>('[data-index="1"]')!.focus();
      await eventually(() => expect(root.querySelector("[data-ending]")).not.toBeNull());
      expect(root.activeElement).toBe(root.querySelector(goesOn));
      root.host.remove();
      localStorage.clear();
    }
  });

  test("of an answer that cites none stay in sight and are not called its sources", async () => {
    service.on("POST /chat", stream([sources, frame(2, "token", { text: "No footnotes." }), done(3)]));
    const root = place();
    await ask(root, "Why?");
    await eventually(() => expect(root.querySelector(".sources-title")?.textContent).toBe("Found, not cited"));
    expect(root.querySelectorAll('[data-testid="source-card"]')).toHaveLength(2);
  });

  test("say who speaks in them, unless that is their creator", async () => {
    const spoken = [{ ...SOURCE, speaker: "Lena Clair" }, { ...SECOND, speaker: SECOND.creator.name }];
    service.on("POST /chat", stream([frame(1, "sources", spoken), frame(2, "token", { text: "Both.[1][2]" }), done(3)]));
    const root = place();
    await ask(root, "Why?");
    const said = () => [...root.querySelectorAll(".card-meta")].map((meta) => meta.textContent);
    await eventually(() => expect(said()).toHaveLength(2));
    expect(said()[0]).toContain("MaraLena Clair");
    expect(said()[1]!.split(SECOND.creator.name)).toHaveLength(2);
  });

  test("that only may help stand apart below an abstention, linked but without numbers", async () => {
    const nearest = [{ ...SOURCE, perhaps: true }, { ...SECOND, perhaps: true }];
    const abstained = [frame(1, "sources", nearest), frame(2, "token", { text: "Nothing on that." }), done(3, { finish_reason: "abstained", citations: [] })];
    service.on("POST /chat", stream(abstained));
    const root = place({ creator: "mara" });
    await ask(root, "Why?");
    await eventually(() => expect(root.querySelector("[data-ending]")).not.toBeNull());
    const list = root.querySelector(".sources.muted")!;
    expect([...root.querySelectorAll(".sources")]).toEqual([list]);
    expect(list.querySelector(".sources-title")!.textContent).toBe("Perhaps these help");
    expect(list.querySelector("a.card")!.getAttribute("href")).toBe(SOURCE.url);
    expect(list.querySelectorAll(".card-index")).toHaveLength(0);
    expect(root.querySelector(".abstention")!.compareDocumentPosition(list) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
    expect(root.querySelector(".origin")).toBeNull();
  });
});

describe("a sentence that its source does not bear out", () => {
  test("is marked when the answer ends, explained at its footnote and heard once", async () => {
    const citations = [{ index: 1, sentence: "Cut 250 Hz.", supported: true }, { index: 1, sentence: "It cures colds.", supported: false }];
    service.on("POST /chat", stream([sources, frame(2, "token", { text: "Cut **250 Hz**.[1] It cures colds.[1]" }), done(3, { citations })]));
    const root = place();
    await ask(root, "Why?");
    await eventually(() => expect(root.querySelectorAll(".marker.doubted")).toHaveLength(1));
    const marker = root.querySelector(".marker.doubted")!;
    expect(marker.previousSibling?.textContent).toBe(" It cures colds.");
    expect(marker.getAttribute("aria-label")).toMatch(/The source may not say this$/);
    marker.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    await eventually(() => expect(root.querySelector(".popover")?.textContent).toContain("The source may not say this."));
    expect(announced(root)).toBe("Answer: Cut 250 Hz. It cures colds. Part of this may not be in its sources.");
  });
});
