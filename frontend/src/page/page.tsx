// Entry of the page at `/`: the column beside the chat, and the chat's attributes.
import { render } from "preact";
import "../styles/page.css";
import type { FootnoteChat } from "../element/footnote_chat";
import { chosenSite } from "./chosen_creator";
import { Side } from "./side";
import { applyTheme, readTheme } from "./theme";

const side = document.getElementById("side");
const chat = document.querySelector<FootnoteChat>("footnote-chat");

if (side !== null && chat !== null) {
  const site = chosenSite();
  if (site !== null) chat.setAttribute("site", site);
  applyTheme(readTheme(), chat);
  render(<Side chat={chat} />, side);
}
