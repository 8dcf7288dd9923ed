// What a script tag on somebody's site sets going.
import { readEndpoint } from "./endpoint";
import { FootnoteChat } from "./footnote_chat";

export const TAG = "footnote-chat";

/** Must be called while the script runs, when the document still knows which tag it came from. */
export function launch(script: HTMLOrSVGScriptElement | null): void {
  const { dataset, source } = readScript(script);
  if (customElements.get(TAG) === undefined) {
    FootnoteChat.defaultEndpoint = readEndpoint(dataset["endpoint"], location.href) ?? readOrigin(source);
    customElements.define(TAG, FootnoteChat);
  }
  // Also where the tag runs again: the site may have put another body in the place of the one with the element.
  whenParsed(() => {
    if (document.querySelector(TAG) === null) document.body.append(createFloating(dataset));
  });
}

function readScript(script: HTMLOrSVGScriptElement | null): { dataset: DOMStringMap; source: string } {
  return script instanceof HTMLScriptElement
    ? { dataset: script.dataset, source: script.src }
    : { dataset: {}, source: "" };
}

function readOrigin(source: string): string | null {
  const address = readEndpoint(source);
  return address === null ? null : new URL(address).origin;
}

function createFloating(dataset: DOMStringMap): HTMLElement {
  const element = document.createElement(TAG);
  element.toggleAttribute("floating", true);
  for (const name of ["site", "creator", "widen", "theme"]) {
    if (dataset[name]) element.setAttribute(name, dataset[name]);
  }
  return element;
}

function whenParsed(proceed: () => void): void {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", proceed, { once: true });
  else proceed();
}
