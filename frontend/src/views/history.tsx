// The reader's conversations in place of the one that is shown: opened and deleted. The page has a list of its own.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Listed } from "../protocol/message";
import { texts } from "../texts";
import type { Client } from "../transport/client";
import { CloseIcon } from "./icons";
import { useSaved } from "./use_saved";

interface Props {
  readonly client: Client;
  /** Those that were asked of this creator are shown; null: of everyone. */
  readonly creator: string | null;
  readonly current: string | null;
  /** With null the one that was shown is gone. */
  readonly onOpen: (id: string | null) => void;
  readonly onDeleted: (id: string) => void;
}

const said = texts.saved;

export function History({ client, creator, current, onOpen, onDeleted }: Props) {
  const { items, hasMore, failed, refresh, more, change } = useSaved(client);
  const [doomed, setDoomed] = useState<string | null>(null);
  const [told, setTold] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = items?.filter((item) => item.creator === creator) ?? [];

  useEffect(() => heading.current?.focus(), []);

  const remove = async ({ id, title }: Listed) => {
    setDoomed(null);
    heading.current?.focus();
    try {
      await client.delete(id);
      change((all) => all.filter((one) => one.id !== id));
      onDeleted(id);
      if (id === current) onOpen(null);
      setTold(said.deleted(title));
    } catch {
      setTold(said.failed);
      refresh();
    }
  };

  return (
    <div class="history">
      <h2 ref={heading} tabIndex={-1}>{said.heading}</h2>
      {items !== null && shown.length === 0 && !hasMore && <p>{said.none}</p>}
      <ul>
        {shown.map((item) => (
          <li key={item.id}>
            {doomed === item.id ? (
              <Confirm onKeep={() => setDoomed(null)} onDelete={() => void remove(item)} />
            ) : (
              <>
                <button type="button" class="chip" aria-current={item.id === current || undefined} onClick={() => onOpen(item.id)}>
                  {item.title}
                </button>
                <button type="button" class="quiet" aria-label={said.deleteOne(item.title)} onClick={() => setDoomed(item.id)}>
                  <CloseIcon />
                </button>
              </>
            )}
          </li>
        ))}
      </ul>
      {hasMore && <button type="button" class="quiet" onClick={more}>{said.more}</button>}
      {failed && <p>{said.unread}</p>}
      <p role="status">{told}</p>
    </div>
  );
}

function Confirm({ onKeep, onDelete }: { onKeep: () => void; onDelete: () => void }) {
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), []);
  return (
    <div role="group" aria-label={said.askDelete}>
      <p>{said.askDelete}</p>
      <button ref={keep} type="button" class="retry" onClick={onKeep}>{said.keep}</button>
      <button type="button" class="retry" onClick={onDelete}>{said.delete}</button>
    </div>
  );
}
