// One saved conversation: opened by its title; what else can be done with it folds out below.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Listed } from "../protocol/message";
import type { Format } from "../transport/library";
import { texts } from "../texts";
import { AskDelete } from "./ask_delete";
import { pageTexts } from "./texts";

interface Props {
  readonly item: Listed;
  readonly current: boolean;
  readonly onOpen: () => void;
  readonly onRename: (title: string) => void;
  readonly onExport: (format: Format) => void;
  readonly onDelete: () => void;
}

type Fold = "closed" | "actions" | "rename" | "delete";

const said = pageTexts.saved;

export function SavedItem({ item, current, onOpen, onRename, onExport, onDelete }: Props) {
  const [fold, setFold] = useState<Fold>("closed");
  const toggle = useRef<HTMLButtonElement>(null);
  const below = useRef<HTMLDivElement>(null);
  const id = `saved-${item.id}`;

  useLayoutEffect(() => {
    // Who folds out, or is asked something, goes on there.
    const first = below.current?.querySelector<HTMLElement>("[data-first]");
    first?.focus();
    if (first instanceof HTMLInputElement) first.select();
  }, [fold]);

  const close = () => {
    setFold("closed");
    toggle.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || fold === "closed") return;
    event.stopPropagation();
    close();
  };

  return (
    <li class="saved" onKeyDown={onKeyDown}>
      <div class="saved-row">
        <button type="button" class="saved-open" aria-current={current ? "true" : undefined} title={item.title} onClick={onOpen}>
          {item.title}
        </button>
        <button
          ref={toggle}
          type="button"
          class="saved-toggle"
          aria-label={said.actions(item.title)}
          aria-expanded={fold !== "closed"}
          aria-controls={id}
          onClick={() => setFold(fold === "closed" ? "actions" : "closed")}
        >
          <svg width="16" height="16" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
            <circle cx="3" cy="8" r="1.4" />
            <circle cx="8" cy="8" r="1.4" />
            <circle cx="13" cy="8" r="1.4" />
          </svg>
        </button>
      </div>
      <div id={id} ref={below} class="saved-fold" hidden={fold === "closed"}>
        {fold === "actions" && (
          <>
            <button type="button" data-first onClick={() => setFold("rename")}>{said.rename}</button>
            <button type="button" onClick={() => onExport("markdown")}>{said.asMarkdown}</button>
            <button type="button" onClick={() => onExport("json")}>{said.asJson}</button>
            <button type="button" class="grave" onClick={() => setFold("delete")}>{texts.saved.delete}</button>
          </>
        )}
        {fold === "rename" && (
          <Rename
            title={item.title}
            onSave={(title) => {
              close();
              if (title !== item.title) onRename(title);
            }}
            onCancel={close}
          />
        )}
        {fold === "delete" && <AskDelete question={texts.saved.askDelete} onKeep={close} onDelete={onDelete} />}
      </div>
    </li>
  );
}

function Rename({ title, onSave, onCancel }: { title: string; onSave: (title: string) => void; onCancel: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const save = () => {
    const wanted = field.current!.value.trim();
    if (wanted !== "") onSave(wanted);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault(); // or the button that is focused next is pressed by it
    save();
  };
  return (
    <>
      <input ref={field} data-first type="text" maxLength={200} aria-label={said.title} defaultValue={title} onKeyDown={onKeyDown} />
      <button type="button" onClick={save}>{said.save}</button>
      <button type="button" onClick={onCancel}>{said.cancel}</button>
    </>
  );
}
