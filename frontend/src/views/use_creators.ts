// The creators of the service; an empty list while they are unknown.
import { useEffect, useState } from "preact/hooks";
import type { Creator } from "../protocol/creator";
import type { Client } from "../transport/client";
import { insist } from "../transport/patience";

export function useCreators(client: Client): readonly Creator[] {
  const [creators, setCreators] = useState<readonly Creator[]>([]);
  useEffect(() => {
    const work = new AbortController();
    // Without them there are no names and no examples, and everything else still works.
    insist(work.signal, () => client.creators(work.signal)).then(setCreators, () => undefined);
    return () => work.abort();
  }, [client]);
  return creators;
}
