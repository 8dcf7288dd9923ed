// The list of saved conversations as far as it was asked for, and kept up with what happens.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Listed, ListPage } from "../protocol/message";
import type { Client } from "../transport/client";
import { delayBefore, pause } from "../transport/patience";

const PAUSE = 10_000;

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
  const [pages, setPages] = useState<ListPage | null>(null);
  const [failed, setFailed] = useState(false);
  const work = useRef(new AbortController());

  const read = useCallback(
    (from: string | null) => {
      work.current.abort();
      const { signal } = (work.current = new AbortController());
      client.list(from, signal).then(
        (page) => {
          if (signal.aborted) return;
          setPages((before) => (from === null ? renewed(before, page) : { ...page, items: merged(before?.items ?? [], page.items) }));
          setFailed(false);
        },
        () => {
          if (signal.aborted) return;
          setFailed(true);
          pause(delayBefore(1, PAUSE), signal).then(() => read(from), () => undefined);
        },
      );
    },
    [client],
  );
  const refresh = useCallback(() => read(null), [read]);
  useEffect(() => {
    refresh();
    return () => work.current.abort();
  }, [refresh]);

  const cursor = pages?.nextCursor ?? null;
  return {
    items: pages?.items ?? null,
    hasMore: cursor !== null,
    failed,
    refresh,
    more: () => read(cursor),
    change: (change) => setPages((before) => ({ nextCursor: cursor, items: change(before?.items ?? []) })),
  };
}

/** The first page anew; what was asked for behind it stays. */
function renewed(before: ListPage | null, first: ListPage): ListPage {
  if (before === null || first.nextCursor === null || before.items.length <= first.items.length) return first;
  const count = first.items.length;
  const shown = new Set(before.items.slice(0, count).map(({ id }) => id));
  const come = first.items.filter(({ id }) => !shown.has(id)).length;
  return { nextCursor: before.nextCursor, items: merged(first.items, before.items.slice(count - come)) };
}

/** One that was shown before keeps its place. */
function merged(before: readonly Listed[], more: readonly Listed[]): readonly Listed[] {
  const known = new Set(before.map(({ id }) => id));
  return [...before, ...more.filter(({ id }) => !known.has(id))];
}
