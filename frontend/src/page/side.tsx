// The column beside the chat: the product's name, who can be asked, who that is, and what was asked before.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { createMemory, placeOf } from "../session/memory";
import { texts } from "../texts";
import { Library } from "../transport/library";
import { insist } from "../transport/patience";
import { addressFor, chosenCreator, chosenSite } from "./chosen_creator";
import { Picker } from "./picker";
import { Profile } from "./profile";
import { SavedList } from "./saved_list";
import { pageTexts } from "./texts";
import { applyTheme, readTheme, saveTheme } from "./theme";
import { ThemeSwitch } from "./theme_switch";
import type { FootnoteChat } from "../element/footnote_chat";
import type { Creator } from "../protocol/creator";
import type { Listed } from "../protocol/message";

export function Side({ chat }: { chat: FootnoteChat }) {
  const { memory, library } = useMemo(() => {
    const site = chosenSite();
    const memory = createMemory(placeOf(location.origin, site));
    // Where storage is forbidden, the chat's visitor is known here only by this.
    chat.memory = memory;
    return { memory, library: new Library(location.origin, memory, site) };
  }, []);
  const [creators, setCreators] = useState<readonly Creator[] | null>(null);
  const [unavailable, setUnavailable] = useState(false);
  const [chosen, setChosen] = useState(chosenCreator);
  const [theme, setTheme] = useState(readTheme);
  const [wanted, setWanted] = useState<{ readonly id: string | null } | null>(null);
  const [listed, setListed] = useState(false);
  const listSwitch = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    const work = new AbortController();
    const { signal } = work;
    const tell = () => setUnavailable(true);
    insist(signal, () => library.creators(signal), tell).then((known) => {
      setCreators(known);
      setUnavailable(false);
    }, tell);
    addEventListener("popstate", () => setChosen(chosenCreator()), { signal });
    return () => work.abort();
  }, []);
  useEffect(() => {
    // An address with a creator that is not (or no longer) there leads to everyone.
    if (creators !== null && chosen !== null && !creators.some(({ slug }) => slug === chosen)) choose(null);
  }, [creators, chosen]);
  useLayoutEffect(() => {
    if (chosen === null) chat.removeAttribute("creator");
    else chat.setAttribute("creator", chosen);
  }, [chosen]);
  // Behind the creator's: a conversation is shown within what it was asked of.
  useLayoutEffect(() => {
    if (wanted !== null) chat.show(wanted.id);
  }, [wanted]);
  useLayoutEffect(() => applyTheme(theme, chat), [theme]);

  const choose = (slug: string | null) => {
    history.replaceState(null, "", addressFor(slug));
    setChosen(slug);
  };
  const hideList = () => {
    setListed(false);
    listSwitch.current?.focus();
  };
  const open = (conversation: Listed | null, stay = false) => {
    const slug = conversation?.creator ?? null;
    if (conversation !== null) choose((creators ?? []).some((creator) => creator.slug === slug) ? slug : null);
    setWanted({ id: conversation?.id ?? null });
    if (!stay && listed) hideList();
  };

  useEffect(() => {
    document.documentElement.toggleAttribute("data-listed", listed);
    if (!listed) return;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented) hideList();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [listed]);

  return (
    <>
      <header class="brand">
        <h1>
          {texts.product}
          <sup aria-hidden="true">1</sup>
        </h1>
        <p>{pageTexts.tagline}</p>
        <button
          ref={listSwitch}
          type="button"
          class="list-switch"
          aria-label={texts.saved.heading}
          title={texts.saved.heading}
          aria-expanded={listed}
          aria-controls="saved"
          onClick={() => setListed(!listed)}
        >
          <svg width="18" height="18" viewBox="0 0 18 18" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" aria-hidden="true">
            <path d="M3 4.5h12M3 9h12M3 13.5h7" />
          </svg>
        </button>
        <ThemeSwitch
          theme={theme}
          onChange={(next) => {
            saveTheme(next);
            setTheme(next);
          }}
        />
      </header>
      <Picker creators={creators ?? []} chosen={chosen} onChoose={choose} />
      {unavailable && <p class="unavailable">{pageTexts.unavailable}</p>}
      <Profile creators={creators ?? []} chosen={chosen} />
      <SavedList chat={chat} library={library} onOpen={open} onDeleted={memory.tellOfDeletion} />
    </>
  );
}
