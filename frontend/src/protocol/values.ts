// Reading unknown JSON without trusting it: each function answers with a value of its type or null.

export type Fields = Readonly<Record<string, unknown>>;

export function asFields(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

export function asString(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

export function asNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function asStrings(value: unknown): string[] {
  return asList(value).filter((item): item is string => typeof item === "string" && item !== "");
}

/** Reads every item of a list and leaves out those that make no sense. */
export function asListOf<Item>(value: unknown, read: (item: unknown) => Item | null): Item[] {
  return asList(value)
    .map(read)
    .filter((item): item is Item => item !== null);
}

/** An address that may be opened: http or https, nothing that runs code. */
export function asWebAddress(value: unknown): string | null {
  if (typeof value !== "string") return null;
  try {
    const { protocol } = new URL(value);
    return protocol === "http:" || protocol === "https:" ? value : null;
  } catch {
    return null;
  }
}

export function asOneOf<Choice extends string>(value: unknown, choices: readonly Choice[]): Choice | null {
  return choices.find((choice) => choice === value) ?? null;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
