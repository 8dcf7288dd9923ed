// The whole widget, in the page's flow or floating above it.
import { useMemo } from "preact/hooks";
import { createMemory } from "../session/memory";
import { Client } from "../transport/client";
import { Chat, type Wanted } from "./chat";
import { Launcher } from "./launcher";

interface Props {
  readonly endpoint: string;
  readonly creator: string | null;
  readonly widen: boolean;
  readonly floating: boolean;
  readonly wanted?: Wanted | null;
  readonly onConversing?: (conversing: boolean) => void;
  readonly onChange?: () => void;
}

export function Widget({ endpoint, creator, widen, floating, wanted = null, onConversing, onChange }: Props) {
  const { client, memory } = useMemo(() => {
    const memory = createMemory(endpoint);
    return { memory, client: new Client(endpoint, memory) };
  }, [endpoint]);
  const shared = { client, memory, creator, widen, wanted, onConversing, onChange };
  if (!floating) return <Chat {...shared} />;
  return <Launcher>{(controls) => <Chat {...shared} controls={controls} />}</Launcher>;
}
