// Where a reader says why an answer did not help: sent by Enter or the button, closed by Escape.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { cleanQuestion, lengthOf, LONGEST_QUESTION } from "../session/question";
import { texts } from "../texts";
import { CloseIcon, SendIcon } from "./icons";

interface Props {
  readonly comment: string;
  /** null where the comment is to be gone. */
  readonly onSend: (comment: string | null) => void;
  readonly onClose: () => void;
}

/** As long as a question. */
const tooMany = (comment: string) => lengthOf(comment) - LONGEST_QUESTION;

export function CommentField({ comment, onSend, onClose }: Props) {
  const [draft, setDraft] = useState(comment);
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => field.current!.focus({ preventScroll: true }), []);
  useLayoutEffect(() => field.current!.form!.scrollIntoView?.({ block: "nearest" }), [draft]);

  const over = tooMany(cleanQuestion(draft));
  const send = () => {
    const said = cleanQuestion(field.current!.value);
    if (tooMany(said) <= 0) onSend(said === "" ? null : said);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") {
      // The panel around would close, too.
      event.stopPropagation();
      event.preventDefault();
      onClose();
    } else if (event.key === "Enter" && !event.shiftKey && event.target === field.current) {
      event.preventDefault();
      send();
    }
  };
  return (
    <form
      class="comment"
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class="field">
        <textarea
          ref={field}
          rows={1}
          value={draft}
          placeholder={texts.feedback.comment}
          aria-label={texts.feedback.comment}
          aria-invalid={over > 0}
          enterkeyhint="send"
          onInput={(event) => setDraft(event.currentTarget.value)}
        />
        <button type="button" class="quiet thumb" aria-label={texts.feedback.close} title={texts.feedback.close} onClick={onClose}>
          <CloseIcon />
        </button>
        <button type="submit" class="round" aria-label={texts.feedback.send} title={texts.feedback.send} disabled={over > 0}>
          <SendIcon />
        </button>
      </div>
      {over > 0 && <p class="remark over">{texts.tooLong(over)}</p>}
    </form>
  );
}
