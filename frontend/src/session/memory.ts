// What the browser remembers: between visits, or for one. Storage may be forbidden or full; then it lasts as long as the page.
import type { TokenKeeper } from "../transport/client";

export interface Memory extends TokenKeeper {
  readConversation(creator: string | null): string | null;
  writeConversation(creator: string | null, id: string | null): void;
  /** Keeps another one, in which another tab may be; null: whichever it is. */
  forgetConversation(creator: string | null, id: string | null): void;
  /** Tells the visitor's other tabs that a question has been accepted. */
  tellOfRun(creator: string | null, runId: string): void;
  /** Calls the listener when another tab has told; answers with what ends that. */
  onRunElsewhere(creator: string | null, listener: () => void): () => void;
  /** Tells the visitor's other tabs that a conversation is deleted; null: all of them. */
  tellOfDeletion(id: string | null): void;
  onDeletionElsewhere(listener: (id: string | null) => void): () => void;
  /** How much answers sound like this creator, from 0 to 1; remembered for this visit. */
  readWeight(creator: string): number;
  writeWeight(creator: string, weight: number): void;
}

const ALL = "*";

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
  const deletionKey = `footnote:${endpoint}:deleted`;
  const runKey = (creator: string | null) => `footnote:${endpoint}:run:${creator ?? "*"}`;
  return {
    read: () => shelf.get(tokenKey),
    write: (token) => shelf.set(tokenKey, token),
    readConversation: (creator) => shelf.get(conversationKey(creator)),
    writeConversation: (creator, id) => shelf.set(conversationKey(creator), id),
    forgetConversation: (creator, id) => {
      if (id === null || id === shelf.get(conversationKey(creator))) shelf.set(conversationKey(creator), null);
    },
    tellOfRun: (creator, runId) => shelf.set(runKey(creator), runId),
    onRunElsewhere: (creator, listener) => onWritten(runKey(creator), listener),
    // Only what differs is told, so what is deleted twice has a number.
    tellOfDeletion: (id) => shelf.set(deletionKey, `${id ?? ALL} ${Date.now()}`),
    onDeletionElsewhere: (listener) =>
      onWritten(deletionKey, (written) => {
        const id = written.split(" ")[0]!;
        listener(id === ALL ? null : id);
      }),
    readWeight: (creator) => {
      const weight = Number(visitShelf.get(weightKey(creator)));
      return weight >= 0 && weight <= 1 ? weight : 0;
    },
    writeWeight: (creator, weight) => visitShelf.set(weightKey(creator), String(weight)),
  };
}

/** The browser tells every other tab of the site what is written, and not the one that wrote. */
function onWritten(wanted: string, listener: (written: string) => void): () => void {
  const heard = ({ key, newValue }: StorageEvent) => key === wanted && newValue !== null && listener(newValue);
  globalThis.addEventListener?.("storage", heard);
  return () => globalThis.removeEventListener?.("storage", heard);
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
