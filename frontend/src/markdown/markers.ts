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
 * Marks what the service found not to be backed by its source. The citations of one source come in the order of its
 * markers; where their numbers differ, it cannot be told which one is meant, and all of them are marked.
 */
export function markDoubts(container: Element, sources: readonly Source[], citations: readonly Citation[]): void {
  for (const source of sources) {
    const markers = container.querySelectorAll(`.marker[data-index="${source.index}"]`);
    const verdicts = citations.filter((citation) => citation.index === source.index);
    const anyDoubt = verdicts.some((verdict) => !verdict.supported);
    markers.forEach((marker, place) => {
      const doubted = verdicts.length === markers.length ? !verdicts[place]!.supported : anyDoubt;
      const name = texts.markerName(source);
      marker.classList.toggle("doubted", doubted);
      marker.setAttribute("aria-label", doubted ? texts.doubtedMarker(name) : name);
    });
  }
}
