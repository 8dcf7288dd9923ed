// The widget on a page in jsdom, before a real service on loopback, and what a reader does with it.
import { afterAll, afterEach, beforeEach, expect, vi } from "vitest";
import { FootnoteChat } from "../src/element/footnote_chat";
import { TAG } from "../src/element/launch";
import { DONE, frame, json, SOURCE, Service } from "./service";

export const CREATORS = [
  { slug: "mara", name: "Mara", bio: "", topics: [], links: [], questions: ["Why is it muddy?"], documents: 3 },
  { slug: "teo", name: "Teo", bio: "", topics: [], links: [], questions: ["How does FM work?"], documents: 2 },
];
export const SECOND = { ...SOURCE, index: 2, title: "Without a link", url: null };
export const sources = frame(1, "sources", [SOURCE, SECOND]);
export const done = (id: number, more = {}) => frame(id, "done", { ...DONE, ...more });

export let service: Service;

/** Patient, because the machine that runs this may be busy. */
export const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 10 });

/** Gives every test of a file a service and an empty page of its own. */
export function eachOnAPageOfItsOwn(): void {
  beforeEach(async () => {
    service = await Service.start();
    service.on("GET /creators", json({ items: CREATORS }));
    localStorage.clear();
    document.body.replaceChildren();
    if (customElements.get(TAG) === undefined) customElements.define(TAG, FootnoteChat);
  });
  afterEach(async () => {
    document.body.replaceChildren();
    vi.restoreAllMocks();
    await service.close();
  });
  // What the last page takes down it takes down after the next frame, and by then jsdom would be gone.
  afterAll(() => new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve), 50)));
}

export function place(attributes: Record<string, string> = {}): ShadowRoot {
  const element = document.createElement(TAG);
  element.setAttribute("endpoint", service.endpoint);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  document.body.append(element);
  return element.shadowRoot!;
}

export const field = (root: ShadowRoot) => root.querySelector<HTMLTextAreaElement>('textarea[aria-label="Your question"]')!;
export const button = (root: ShadowRoot, name: string) => root.querySelector<HTMLButtonElement>(`button[aria-label="${name}"]`);
export const answers = (root: ShadowRoot) => [...root.querySelectorAll('[data-testid="answer"]')].map((node) => node.textContent);
export const announced = (root: ShadowRoot) => root.querySelector('[aria-live="polite"]')!.textContent;

export function type(root: ShadowRoot, text: string): void {
  field(root).value = text;
  field(root).dispatchEvent(new InputEvent("input", { bubbles: true }));
}

export function press(root: ShadowRoot, key: string, more: KeyboardEventInit = {}): void {
  field(root).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
}

export async function ask(root: ShadowRoot, question: string): Promise<void> {
  type(root, question);
  await eventually(() => expect(button(root, "Send")!.disabled).toBe(false));
  press(root, "Enter");
}
