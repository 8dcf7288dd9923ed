// Where a question is written and sent, and an answer stopped.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { cleanQuestion, lengthOf, LONGEST_QUESTION } from "../session/question";
import { texts } from "../texts";
import { DownIcon, SendIcon, StopIcon } from "./icons";

/** From this many characters left on, the rest is counted. */
const COUNTED = 100;

interface Props {
  readonly placeholder: string;
  /** Questions have to wait for a moment. */
  readonly waiting: boolean;
  readonly answering: boolean;
  readonly onSend: (question: string) => void;
  readonly onStop: () => void;
  /** Leads back to the end of the conversation; null for a reader who is there. */
  readonly onLatest: (() => void) | null;
  /** How answers may sound, where that can be chosen. */
  readonly voice: ComponentChildren;
  readonly smallPrint: string;
}

export function Composer({ placeholder, waiting, answering, onSend, onStop, onLatest, voice, smallPrint }: Props) {
  const [draft, setDraft] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const question = cleanQuestion(draft);
  const left = LONGEST_QUESTION - lengthOf(question);
  const sendable = question !== "" && left >= 0 && !waiting && !answering;

  useLayoutEffect(() => {
    // Browsers that size the field to its content need no help.
    if (globalThis.CSS?.supports?.("field-sizing", "content")) return;
    const element = field.current!;
    element.style.height = "auto";
    if (element.scrollHeight > 0) element.style.height = `${element.scrollHeight}px`;
  }, [draft]);

  const send = () => {
    if (!sendable) return;
    onSend(question);
    setDraft("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes a word, Enter belongs to it. Safari reports that only by the key code.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {onLatest !== null && (
        <button type="button" class="round latest" aria-label={texts.latest} title={texts.latest} onClick={onLatest}>
          <DownIcon />
        </button>
      )}
      <div class="field">
        <textarea
          ref={field}
          dir="auto"
          rows={1}
          value={draft}
          placeholder={placeholder}
          aria-label={texts.questionLabel}
          aria-describedby={left <= COUNTED ? "characters" : undefined}
          aria-invalid={left < 0}
          enterkeyhint="send"
          onInput={(event) => setDraft(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {answering ? (
          <button key="stop" type="button" class="round stop" aria-label={texts.stop} title={texts.stop} onClick={onStop}>
            <StopIcon />
          </button>
        ) : (
          <button key="send" type="submit" class="round" aria-label={texts.send} title={texts.send} disabled={!sendable}>
            <SendIcon />
          </button>
        )}
      </div>
      {voice}
      <p class="small-print">
        {left <= COUNTED ? (
          <span id="characters" class={left < 0 ? "over" : undefined}>
            {left < 0 ? texts.tooLong(-left) : texts.charactersLeft(left)}
          </span>
        ) : (
          smallPrint
        )}
      </p>
    </form>
  );
}
