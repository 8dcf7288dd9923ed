// The whole widget, in the page's flow or floating above it.
import { useEffect, useMemo } from "preact/hooks";
import { createMemory, type Memory, placeOf } from "../session/memory";
import { Client } from "../transport/client";
import { Chat, type Wanted } from "./chat";
import { Launcher } from "./launcher";

interface Props {
  readonly endpoint: string;
  readonly site: string | null;
  readonly creator: string | null;
  readonly widen: boolean;
  readonly floating: boolean;
  readonly lists: boolean;
  readonly memory?: Memory | undefined;
  readonly wanted?: Wanted | null;
  readonly onConversing?: (conversing: boolean) => void;
  readonly onChange?: (conversation: string | null) => void;
  /** The site has said how the widget is to look there. */
  readonly onTheme?: (theme: string) => void;
}

export function Widget(props: Props) {
  const { endpoint, site, creator, widen, floating, lists, wanted = null, onConversing, onChange, onTheme } = props;
  const { client, memory } = useMemo(() => {
    const memory = props.memory ?? createMemory(placeOf(endpoint, site));
    return { memory, client: new Client(endpoint, memory, site) };
  }, [endpoint, site]);
  useEffect(() => {
    const work = new AbortController();
    // Without it the widget looks as the reader's system does.
    client.theme(work.signal).then((theme) => theme !== null && onTheme?.(theme), () => undefined);
    return () => work.abort();
  }, [client]);
  const shared = { client, memory, creator, widen, lists, wanted, onConversing, onChange };
  if (!floating) return <Chat {...shared} />;
  return <Launcher>{(controls) => <Chat {...shared} controls={controls} />}</Launcher>;
}
