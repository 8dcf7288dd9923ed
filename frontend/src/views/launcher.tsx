// The round button in the corner of a site, and the panel that it opens.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { texts } from "../texts";
import { goOn } from "./go_on";
import { AskIcon, CloseIcon } from "./icons";

/** On these screens, upright or held sideways, the panel fills the screen and takes the reader's whole attention. */
const PHONE = "(max-width: 600px), (max-height: 500px)";

export function Launcher({ children }: { children: (controls: ComponentChildren) => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const [opened, setOpened] = useState(false);
  const panel = useRef<HTMLDialogElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    const dialog = panel.current;
    if (dialog === null || !open) return;
    // A modal dialog keeps the keyboard inside and the page behind out of reach.
    if (globalThis.matchMedia?.(PHONE).matches) dialog.showModal?.();
    else dialog.show?.();
    goOn(dialog);
    return () => {
      dialog.close?.();
      // Only now is the button in sight everywhere.
      button.current?.focus();
    };
  }, [open]);

  const toggle = () => {
    setOpened(true);
    setOpen(!open);
  };
  const close = () => setOpen(false);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !event.isComposing) close();
  };

  const closeButton = (
    <button type="button" class="quiet" aria-label={texts.closeChat} title={texts.closeChat} onClick={close}>
      <CloseIcon />
    </button>
  );
  return (
    <>
      {/* Nothing is asked of the service before the reader opens the panel. */}
      {opened && (
        <dialog
          ref={panel}
          class="panel"
          aria-label={texts.product}
          onKeyDown={onKeyDown}
          onCancel={(event) => {
            event.preventDefault();
            close();
          }}
        >
          {children(closeButton)}
        </dialog>
      )}
      <button
        ref={button}
        type="button"
        class="launcher"
        aria-label={open ? texts.closeChat : texts.openChat}
        aria-expanded={open}
        onClick={toggle}
      >
        {open ? <CloseIcon size={24} /> : <AskIcon />}
      </button>
    </>
  );
}
