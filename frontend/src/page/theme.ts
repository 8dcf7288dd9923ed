// Light, dark or as the system has it; remembered where the browser allows.
import { localStorageOrNull } from "../session/memory";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "footnote:theme";

export function readTheme(): Theme {
  try {
    const saved = localStorageOrNull()?.getItem(KEY);
    return THEMES.find((theme) => theme === saved) ?? "auto";
  } catch {
    return "auto";
  }
}

export function saveTheme(theme: Theme): void {
  try {
    localStorageOrNull()?.setItem(KEY, theme);
  } catch {
    // It lasts as long as the page.
  }
}

export function applyTheme(theme: Theme, chat: Element): void {
  document.documentElement.dataset["theme"] = theme;
  chat.setAttribute("theme", theme);
}

export function nextTheme(theme: Theme): Theme {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
}
