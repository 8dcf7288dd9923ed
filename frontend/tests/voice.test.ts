// The slider for a creator's voice: where it is, what it sends, and what it remembers.
import { describe, expect, test } from "vitest";
import { createMemory } from "../src/session/memory";
import { ask, done, eachOnAPageOfItsOwn, eventually, place, service, sources } from "./page";
import { frame, json, stream } from "./service";

const whole = [sources, frame(2, "token", { text: "So.[1]" }), done(3)];
const creator = (slug: string, persona: unknown) => ({ slug, name: slug.toUpperCase(), questions: [], documents: 1, persona });
const slider = (root: ShadowRoot) => root.querySelector<HTMLInputElement>('input[type="range"]');

function slide(root: ShadowRoot, weight: string): void {
  slider(root)!.value = weight;
  slider(root)!.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

eachOnAPageOfItsOwn();

describe("the voice", () => {
  test("is offered where the service says so and nowhere else", async () => {
    service.on("GET /creators", json({ items: [creator("mara", true), creator("teo", false), creator("odd", "yes")] }));
    const root = place({ creator: "mara" });
    await eventually(() => expect(slider(root)).not.toBeNull());
    for (const other of ["teo", "odd", "nobody"]) {
      root.host.setAttribute("creator", other);
      await eventually(() => expect(slider(root)).toBeNull());
    }
    root.host.removeAttribute("creator");
    await eventually(() => expect(root.querySelector(".empty h2")?.textContent).toContain("What would you like"));
    expect(slider(root)).toBeNull();
  });

  test("is neutral at first, says what it is, and goes out with the question", async () => {
    service.on("GET /creators", json({ items: [creator("mara", true)] })).on("POST /chat", stream(whole));
    const root = place({ creator: "mara" });
    await eventually(() => expect(slider(root)).not.toBeNull());
    expect(slider(root)!.getAttribute("aria-label")).toBe("Voice of the answers: from neutral to like MARA");
    expect(slider(root)!.getAttribute("aria-valuetext")).toBe("Neutral");
    await ask(root, "Why?");
    await eventually(() => expect(root.querySelectorAll('[data-ending="answered"]')).toHaveLength(1));
    slide(root, "0.75");
    await eventually(() => expect(slider(root)!.getAttribute("aria-valuetext")).toBe("Strong"));
    expect(root.querySelector(".small-print")!.textContent).toContain("The voice imitates MARA");
    await ask(root, "And then?");
    await eventually(() => expect(service.requests("POST /chat")).toHaveLength(2));
    const weights = service.requests("POST /chat").map(({ body }) => (body as { personality_weight: number }).personality_weight);
    expect(weights).toEqual([0, 0.75]);
  });

  test("is remembered for the visit, for each creator, and not sent where it is not offered any more", async () => {
    service.on("GET /creators", json({ items: [creator("mara", true), creator("teo", true)] })).on("POST /chat", stream(whole));
    const root = place({ creator: "mara" });
    await eventually(() => expect(slider(root)).not.toBeNull());
    slide(root, "1");
    root.host.setAttribute("creator", "teo");
    await eventually(() => expect(slider(root)?.value).toBe("0"));
    root.host.setAttribute("creator", "mara");
    await eventually(() => expect(slider(root)?.value).toBe("1"));
    root.host.remove();
    service.on("GET /creators", json({ items: [creator("mara", false)] }));
    const later = place({ creator: "mara" });
    await eventually(() => expect(later.querySelector(".empty h2")?.textContent).toBe("Ask MARA"));
    await ask(later, "Why?");
    await eventually(() => expect(service.requests("POST /chat")[0]?.body).toMatchObject({ personality_weight: 0 }));
  });

  test("is neutral where what was remembered makes no sense", () => {
    for (const text of ["loud", "2", "-1", "NaN", ""]) {
      sessionStorage.setItem("footnote:https://a.example:weight:mara", text);
      expect(createMemory("https://a.example").readWeight("mara")).toBe(0);
    }
  });
});
