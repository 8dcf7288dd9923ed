// Footnote markers: the buttons in the text that lead to the sources.
import type { Citation, Source } from "../protocol/source";
import { texts } from "../texts";

/** The button for the marker of a source; a marker without a source gets none. */
export function createMarker(index: number, sources: readonly Source[]): HTMLButtonElement | null {
  const source = sources.find((candidate) => candidate.index === index);
  if (source === undefined) return null;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "marker";
  button.dataset["index"] = String(index);
  button.textContent = String(index);
  button.setAttribute("aria-label", texts.markerName(source));
  return button;
}

export function markerIndex(marker: Element): number {
  return Number((marker as HTMLElement).dataset["index"]);
}

/**
 * Marks what the service found not to be backed by its source: the markers of the source in the sentence that was
 * judged. Where that sentence is not found again, all markers of the source, as a doubt is never hidden.
 */
export function markDoubts(container: Element, sources: readonly Source[], citations: readonly Citation[]): void {
  const { words, places } = wordsAndMarkers(container);
  const doubted = new Set<Element>();
  for (const { index, sentence } of citations.filter(({ supported }) => !supported)) {
    const own = places.filter(({ marker }) => markerIndex(marker) === index);
    const judged = wordsOf(sentence);
    const starts = occurrences(words, judged);
    const within = own.filter(({ at }) => starts.some((start) => start < at && at <= start + judged.length));
    // "[1] says …": at its beginning the sentence before may end with a marker, too; the last one there is its own.
    const leading = own.filter(({ at }, place) => own[place + 1]?.at !== at && starts.includes(at));
    for (const { marker } of within[0] ? within : leading[0] ? leading : own) doubted.add(marker);
  }
  for (const { marker } of places) {
    const source = sources.find((candidate) => candidate.index === markerIndex(marker));
    if (source === undefined) continue;
    const name = texts.markerName(source);
    marker.classList.toggle("doubted", doubted.has(marker));
    marker.setAttribute("aria-label", doubted.has(marker) ? texts.doubtedMarker(name) : name);
  }
}

/** The letters and digits of an answer, and after how many of them each marker stands. */
function wordsAndMarkers(container: Element) {
  const places: { readonly marker: Element; readonly at: number }[] = [];
  const walker = document.createTreeWalker(container, NodeFilter.SHOW_TEXT);
  let words = "";
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const marker = node.parentElement!.closest(".marker");
    if (marker === null) words += wordsOf(node.nodeValue!);
    else places.push({ marker, at: words.length });
  }
  return { words, places };
}

/** Without spaces and marks, which Markdown, its rendering and the service write in different ways. */
function wordsOf(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, "");
}

/** Where the sentence begins in the words, each time that it stands there. */
function occurrences(words: string, sentence: string): number[] {
  const starts: number[] = [];
  for (let at = -1; sentence !== "" && (at = words.indexOf(sentence, at + 1)) !== -1; ) starts.push(at);
  return starts;
}
