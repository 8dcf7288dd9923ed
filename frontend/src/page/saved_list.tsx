// The reader's conversations, the newest first, and the way to a new one.
import { useEffect, useRef, useState } from "preact/hooks";
import type { FootnoteChat } from "../element/footnote_chat";
import type { Listed } from "../protocol/message";
import { texts } from "../texts";
import type { Format, Library } from "../transport/library";
import { useSaved } from "../views/use_saved";
import { DeleteAll } from "./delete_all";
import { saveFile } from "./save_file";
import { SavedItem } from "./saved_item";
import { pageTexts } from "./texts";

interface Props {
  readonly chat: Pick<FootnoteChat, "conversation" | "addEventListener" | "removeEventListener">;
  readonly library: Library;
  /** With null a new one; `stay` leaves the list open where it covers the chat. */
  readonly onOpen: (conversation: Listed | null, stay?: boolean) => void;
  /** With null all of them. */
  readonly onDeleted: (id: string | null) => void;
}

const said = pageTexts.saved;

export function SavedList({ chat, library, onOpen, onDeleted }: Props) {
  const { items, hasMore, failed, refresh, more, change } = useSaved(library);
  const [current, setCurrent] = useState(chat.conversation);
  const [told, setTold] = useState("");
  const begin = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    const onChange = () => {
      setCurrent(chat.conversation);
      refresh();
    };
    chat.addEventListener("change", onChange);
    return () => chat.removeEventListener("change", onChange);
  }, [chat, refresh]);

  const attempt = async (work: () => Promise<string>) => {
    try {
      setTold(await work());
    } catch {
      setTold(texts.saved.failed);
      refresh();
    }
  };
  const rename = ({ id }: Listed, title: string) =>
    attempt(async () => {
      const renamed = await library.rename(id, title);
      if (renamed !== null) change((all) => all.map((one) => (one.id === id ? renamed : one)));
      return said.renamed(renamed?.title ?? title);
    });
  const remove = ({ id, title }: Listed) =>
    attempt(async () => {
      await library.delete(id);
      change((all) => all.filter((one) => one.id !== id));
      onDeleted(id);
      if (id === chat.conversation) onOpen(null, true);
      begin.current?.focus();
      return texts.saved.deleted(title);
    });
  const removeAll = () =>
    attempt(async () => {
      await library.deleteAll();
      change(() => []);
      onDeleted(null);
      onOpen(null, true);
      refresh();
      begin.current?.focus();
      return said.deletedAll;
    });
  const exportAs = ({ id }: Listed, format: Format) =>
    attempt(async () => {
      const { name, content } = await library.export(id, format);
      saveFile(name, content);
      return said.exported(name);
    });

  return (
    <section id="saved" class="history" aria-labelledby="saved-heading">
      <h2 id="saved-heading">{texts.saved.heading}</h2>
      <button ref={begin} type="button" class="begin" onClick={() => onOpen(null)}>
        {texts.newConversation}
      </button>
      {items?.length === 0 && <p>{texts.saved.none}</p>}
      {items !== null && items.length > 0 && (
        <ul>
          {items.map((item) => (
            <SavedItem
              key={item.id}
              item={item}
              current={item.id === current}
              onOpen={() => onOpen(item)}
              onRename={(title) => void rename(item, title)}
              onExport={(format) => void exportAs(item, format)}
              onDelete={() => void remove(item)}
            />
          ))}
        </ul>
      )}
      {hasMore && <button type="button" class="begin" onClick={more}>{texts.saved.more}</button>}
      {items !== null && items.length > 1 && <DeleteAll onDelete={() => void removeAll()} />}
      {failed && <p>{texts.saved.unread}</p>}
      <p class="told" role="status">{told}</p>
    </section>
  );
}
