// What the browser remembers: between visits, or for one. Storage may be forbidden or full; then it lasts as long as the page.
import type { TokenKeeper } from "../transport/client";

export interface Memory extends TokenKeeper {
  readConversation(creator: string | null): string | null;
  writeConversation(creator: string | null, id: string | null): void;
  /** Tells the visitor's other tabs that a question has been accepted. */
  tellOfRun(creator: string | null, runId: string): void;
  /** Calls the listener when another tab has told; answers with what ends that. */
  onRunElsewhere(creator: string | null, listener: () => void): () => void;
  /** How much answers sound like this creator, from 0 to 1; remembered for this visit. */
  readWeight(creator: string): number;
  writeWeight(creator: string, weight: number): void;
}

/** What is remembered of one site of a service is kept apart from the others: visitors are known to one site alone. */
export function placeOf(endpoint: string, site: string | null): string {
  return site === null ? endpoint : `${endpoint}#${site}`;
}

/** One visitor token per endpoint, or place; one conversation and one weight per endpoint and creator. */
export function createMemory(
  endpoint: string,
  storage: Storage | null = localStorageOrNull(),
  visit: Storage | null = sessionStorageOrNull(),
): Memory {
  const shelf = createShelf(storage);
  const visitShelf = createShelf(visit);
  const tokenKey = `footnote:${endpoint}:visitor`;
  const conversationKey = (creator: string | null) => `footnote:${endpoint}:conversation:${creator ?? "*"}`;
  const weightKey = (creator: string) => `footnote:${endpoint}:weight:${creator}`;
  const runKey = (creator: string | null) => `footnote:${endpoint}:run:${creator ?? "*"}`;
  return {
    read: () => shelf.get(tokenKey),
    write: (token) => shelf.set(tokenKey, token),
    readConversation: (creator) => shelf.get(conversationKey(creator)),
    writeConversation: (creator, id) => shelf.set(conversationKey(creator), id),
    tellOfRun: (creator, runId) => shelf.set(runKey(creator), runId),
    onRunElsewhere: (creator, listener) => {
      // The browser sends this event to every other tab of the site, and not to the one that wrote.
      const heard = ({ key, newValue }: StorageEvent) => key === runKey(creator) && newValue !== null && listener();
      globalThis.addEventListener?.("storage", heard);
      return () => globalThis.removeEventListener?.("storage", heard);
    },
    readWeight: (creator) => {
      const weight = Number(visitShelf.get(weightKey(creator)));
      return weight >= 0 && weight <= 1 ? weight : 0;
    },
    writeWeight: (creator, weight) => visitShelf.set(weightKey(creator), String(weight)),
  };
}

export function localStorageOrNull(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

function sessionStorageOrNull(): Storage | null {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null;
  }
}

function createShelf(storage: Storage | null) {
  const unsaved = new Map<string, string | null>();
  return {
    get(key: string): string | null {
      const held = unsaved.get(key);
      if (held !== undefined) return held;
      try {
        return storage?.getItem(key) ?? null;
      } catch {
        return null;
      }
    },
    set(key: string, value: string | null): void {
      unsaved.set(key, value);
      if (storage === null) return;
      try {
        if (value === null) storage.removeItem(key);
        else storage.setItem(key, value);
        unsaved.delete(key);
      } catch {
        // Kept for this page only.
      }
    },
  };
}
