// The widget's style sheet, shared by all its elements and allowed by a strict content security policy.
import answer from "../styles/answer.css?inline";
import base from "../styles/base.css?inline";
import chat from "../styles/chat.css?inline";
import composer from "../styles/composer.css?inline";
import launcher from "../styles/launcher.css?inline";
import popover from "../styles/popover.css?inline";
import print from "../styles/print.css?inline";
import sources from "../styles/sources.css?inline";

const css = [base, chat, sources, answer, popover, composer, launcher, print].join("\n");
let sheet: CSSStyleSheet | null = null;

export function adoptStyles(root: ShadowRoot): void {
  try {
    if (sheet === null) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
    }
    root.adoptedStyleSheets = [sheet];
  } catch {
    // Browsers without constructable style sheets.
    const style = document.createElement("style");
    style.textContent = css;
    root.prepend(style);
  }
}
