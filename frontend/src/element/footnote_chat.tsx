// The custom element. Attributes: site, creator, widen (false), endpoint, theme (auto, light, dark), floating,
// listed (the page lists the conversations itself).
import { render } from "preact";
import type { Memory } from "../session/memory";
import type { Wanted } from "../views/chat";
import { Widget } from "../views/widget";
import { readEndpoint } from "./endpoint";
import { adoptStyles } from "./styles";

/** What is written here is no shortcut of the page around, which sees only that a key was pressed in this element. */
function keepTyping(event: Event): void {
  if (event.target instanceof HTMLElement && event.target.matches("textarea, input")) event.stopPropagation();
}

export class FootnoteChat extends HTMLElement {
  static readonly observedAttributes = ["site", "creator", "widen", "endpoint", "floating"];

  /** Used where an element does not name its endpoint: the origin that the script came from. */
  static defaultEndpoint: string | null = null;

  private wanted: Wanted | null = null;

  /** What a page with parts of its own remembers together with this element; given before the element is defined. */
  declare memory?: Memory;

  /** The id of the conversation that is shown; null for a new one. */
  conversation: string | null = null;

  /** Shows a saved conversation of this visitor, or with null a new one. */
  show(conversation: string | null): void {
    this.wanted = { id: conversation };
    if (this.isConnected) this.draw();
  }

  connectedCallback(): void {
    if (this.shadowRoot === null) {
      const root = this.attachShadow({ mode: "open" });
      adoptStyles(root);
      for (const type of ["keydown", "keypress", "keyup"]) root.addEventListener(type, keepTyping);
    }
    this.draw();
  }

  disconnectedCallback(): void {
    if (this.shadowRoot !== null) render(null, this.mount());
  }

  attributeChangedCallback(): void {
    if (this.isConnected && this.shadowRoot !== null) this.draw();
  }

  private draw(): void {
    const endpoint =
      readEndpoint(this.getAttribute("endpoint"), location.href) ?? FootnoteChat.defaultEndpoint ?? location.origin;
    render(
      <Widget
        endpoint={endpoint}
        site={this.getAttribute("site") || null}
        creator={this.getAttribute("creator") || null}
        widen={this.getAttribute("widen") !== "false"}
        floating={this.hasAttribute("floating")}
        lists={!this.hasAttribute("listed")}
        memory={this.memory}
        wanted={this.wanted}
        onConversing={this.showConversing}
        onChange={this.tellOfChange}
        onTheme={this.takeTheme}
      />,
      this.mount(),
    );
  }

  /** Lets a page arrange itself around a conversation: `footnote-chat[conversing]`. */
  private readonly showConversing = (conversing: boolean): void => {
    this.toggleAttribute("conversing", conversing);
  };

  /** The event `change` tells a page that another conversation is shown, or that this one has a new question or answer. */
  private readonly tellOfChange = (conversation: string | null): void => {
    this.conversation = conversation;
    this.dispatchEvent(new Event("change"));
  };

  /** What is written on the page wins over what the site is configured to. */
  private readonly takeTheme = (theme: string): void => {
    if (!this.hasAttribute("theme")) this.setAttribute("theme", theme);
  };

  private mount(): HTMLElement {
    const root = this.shadowRoot!;
    const present = root.querySelector<HTMLElement>(".footnote");
    if (present !== null) return present;
    const created = document.createElement("div");
    created.className = "footnote";
    root.append(created);
    return created;
  }
}
