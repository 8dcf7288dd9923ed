// The way to delete every conversation, at the end of their list.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { AskDelete } from "./ask_delete";
import { pageTexts } from "./texts";

const said = pageTexts.saved;

export function DeleteAll({ onDelete }: { onDelete: () => void }) {
  const [asking, setAsking] = useState(false);
  const asked = useRef<HTMLDivElement>(null);
  const begin = useRef<HTMLButtonElement>(null);
  const kept = useRef(false);

  useLayoutEffect(() => {
    if (asking) asked.current!.querySelector<HTMLElement>("[data-first]")!.focus();
    else if (kept.current) begin.current!.focus();
    kept.current = asking;
  }, [asking]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    setAsking(false);
  };
  const confirm = () => {
    setAsking(false);
    onDelete();
  };
  if (!asking) return <button ref={begin} type="button" class="grave" onClick={() => setAsking(true)}>{said.deleteAll}</button>;
  return (
    <div ref={asked} class="saved-fold" onKeyDown={onKeyDown}>
      <AskDelete question={said.askDeleteAll} onKeep={() => setAsking(false)} onDelete={confirm} />
    </div>
  );
}
