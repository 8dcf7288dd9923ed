// Where a reader goes on behind a button.

/** At the field, or, on a touch screen, in the conversation: there the field would raise a keyboard over it. */
export function goOn(within: ParentNode | null): void {
  const touched = globalThis.matchMedia?.("(pointer: coarse)").matches;
  within?.querySelector<HTMLElement>(touched ? ".scroller" : ".composer textarea")?.focus();
}
