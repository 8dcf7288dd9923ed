// The column beside the chat: the product's name, who can be asked, and who that is.
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { createMemory } from "../session/memory";
import { texts } from "../texts";
import { Client } from "../transport/client";
import { addressFor, chosenCreator } from "./chosen_creator";
import { Picker } from "./picker";
import { Profile } from "./profile";
import { applyTheme, readTheme, saveTheme } from "./theme";
import { ThemeSwitch } from "./theme_switch";
import type { Creator } from "../protocol/creator";

export function Side({ chat }: { chat: Element }) {
  const client = useMemo(() => new Client(location.origin, createMemory(location.origin)), []);
  const [creators, setCreators] = useState<readonly Creator[] | null>(null);
  const [unavailable, setUnavailable] = useState(false);
  const [chosen, setChosen] = useState(chosenCreator);
  const [theme, setTheme] = useState(readTheme);

  useEffect(() => {
    client.creators().then(setCreators, () => setUnavailable(true));
    const onPopState = () => setChosen(chosenCreator());
    addEventListener("popstate", onPopState);
    return () => removeEventListener("popstate", onPopState);
  }, []);
  useEffect(() => {
    // An address with a creator that is not (or no longer) there leads to everyone.
    if (creators !== null && chosen !== null && !creators.some(({ slug }) => slug === chosen)) choose(null);
  }, [creators, chosen]);
  useLayoutEffect(() => {
    if (chosen === null) chat.removeAttribute("creator");
    else chat.setAttribute("creator", chosen);
  }, [chosen]);
  useLayoutEffect(() => applyTheme(theme, chat), [theme]);

  const choose = (slug: string | null) => {
    history.replaceState(null, "", addressFor(slug));
    setChosen(slug);
  };

  return (
    <>
      <header class="brand">
        <h1>
          {texts.product}
          <sup aria-hidden="true">1</sup>
        </h1>
        <p>{texts.page.tagline}</p>
        <ThemeSwitch
          theme={theme}
          onChange={(next) => {
            saveTheme(next);
            setTheme(next);
          }}
        />
      </header>
      <Picker creators={creators ?? []} chosen={chosen} onChoose={choose} />
      {unavailable && <p class="unavailable">{texts.page.unavailable}</p>}
      <Profile creators={creators ?? []} chosen={chosen} />
    </>
  );
}
