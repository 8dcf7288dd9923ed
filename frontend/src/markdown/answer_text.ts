// Keeps the text of an answer on the page up to date and touches only the blocks that have changed.
import type { Source } from "../protocol/source";
import { blocksOf } from "./blocks";
import { build } from "./build";
import { createMarker } from "./markers";
import { settle } from "./settle";

export class AnswerText {
  private shown: { readonly markdown: string; readonly element: HTMLElement }[] = [];

  constructor(private readonly container: HTMLElement) {}

  show(text: string, sources: readonly Source[], growing: boolean): void {
    const blocks = blocksOf(growing ? settle(text) : text);
    const same = blocks.findIndex((block, place) => block.markdown !== this.shown[place]?.markdown);
    const kept = same === -1 ? blocks.length : same;
    for (const { element } of this.shown.splice(kept)) element.remove();
    for (const block of blocks.slice(kept)) {
      const element = document.createElement("div");
      element.className = "block";
      element.append(...build([block.token], (index) => createMarker(index, sources)));
      this.container.append(element);
      this.shown.push({ markdown: block.markdown, element });
    }
  }
}

/** The words of an answer without any marks, for reading aloud. */
export function plainText(text: string): string {
  const words = document.createElement("div");
  for (const block of blocksOf(text)) words.append(...build([block.token], () => null), " ");
  // Neighbours that only the layout keeps apart.
  for (const part of words.querySelectorAll("li, p, th, td, br")) part.after(" ");
  return (words.textContent ?? "").replace(/\s+/g, " ").trim();
}
