// The list of saved conversations as far as it was asked for, and kept up with what happens.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Listed } from "../protocol/message";
import type { Client } from "../transport/client";

export interface Saved {
  /** null until they were read for the first time. */
  readonly items: readonly Listed[] | null;
  readonly hasMore: boolean;
  readonly failed: boolean;
  /** Reads the list anew, from its beginning. */
  readonly refresh: () => void;
  readonly more: () => void;
  readonly change: (change: (items: readonly Listed[]) => readonly Listed[]) => void;
}

export function useSaved(client: Client): Saved {
  const [items, setItems] = useState<readonly Listed[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const work = useRef(new AbortController());

  const read = useCallback(
    (from: string | null) => {
      work.current.abort();
      const { signal } = (work.current = new AbortController());
      client.list(from, signal).then(
        (page) => {
          if (signal.aborted) return;
          setItems((before) => (from === null ? page.items : merged(before ?? [], page.items)));
          setCursor(page.nextCursor);
          setFailed(false);
        },
        () => !signal.aborted && setFailed(true),
      );
    },
    [client],
  );
  const refresh = useCallback(() => read(null), [read]);
  useEffect(() => {
    refresh();
    return () => work.current.abort();
  }, [refresh]);

  return {
    items,
    hasMore: cursor !== null,
    failed,
    refresh,
    more: () => read(cursor),
    change: (change) => setItems((before) => change(before ?? [])),
  };
}

/** One that was shown before keeps its place. */
function merged(before: readonly Listed[], more: readonly Listed[]): readonly Listed[] {
  const known = new Set(before.map(({ id }) => id));
  return [...before, ...more.filter(({ id }) => !known.has(id))];
}
