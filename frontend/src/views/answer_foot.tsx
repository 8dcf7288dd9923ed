// Under a finished answer: what the reader thinks of it, and having the last one made anew.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Answer } from "../conversation/state";
import type { Feedback } from "../protocol/message";
import { texts } from "../texts";
import type { AnswerActions } from "./answer_view";
import { CommentField } from "./comment_field";
import { RetryIcon, ThumbIcon } from "./icons";

interface Props {
  readonly answer: Answer;
  readonly actions: AnswerActions;
  readonly last: boolean;
}

export function AnswerFoot({ answer, actions, last }: Props) {
  const [commenting, setCommenting] = useState(false);
  const [remark, setRemark] = useState<string | null>(null);
  const down = useRef<HTMLButtonElement>(null);
  const status = useRef<HTMLParagraphElement>(null);
  useLayoutEffect(() => {
    if (remark !== null) status.current?.scrollIntoView?.({ block: "nearest" });
  }, [remark]);
  const { messageId, feedback, ending, failure, text } = answer;
  // Kept free while the answer grows, so that nothing moves at its end.
  if (ending === null) return <div class="foot" />;
  if (messageId === null || (text === "" && ending !== "abstained")) return null;

  const rate = async (next: Feedback | null, thanks: string | null = null) => {
    setRemark(null);
    setRemark((await actions.rate(messageId, next)) ? thanks : texts.feedback.failed);
  };
  const press = (rating: Feedback["rating"]) => {
    const taken = feedback?.rating === rating;
    setCommenting(!taken && rating === "down");
    void rate(taken ? null : { rating, comment: null });
  };
  const close = () => {
    setCommenting(false);
    down.current?.focus();
  };
  const isDown = feedback?.rating === "down";
  return (
    <>
      <div class="foot">
        <div class="thumbs" role="group" aria-label={texts.feedback.group}>
          {(["up", "down"] as const).map((rating) => (
            <button
              key={rating}
              ref={rating === "down" ? down : null}
              type="button"
              class="quiet thumb"
              aria-label={texts.feedback[rating]}
              title={texts.feedback[rating]}
              aria-pressed={feedback?.rating === rating}
              onClick={() => press(rating)}
            >
              <ThumbIcon down={rating === "down"} />
            </button>
          ))}
        </div>
        {isDown && !commenting && (
          <button type="button" class="quiet" onClick={() => setCommenting(true)}>
            {feedback.comment === null ? texts.feedback.add : texts.feedback.change}
          </button>
        )}
        {last && failure === null && (
          <button type="button" class="quiet renew" onClick={actions.renew}>
            <RetryIcon /> {texts.renew}
          </button>
        )}
      </div>
      {isDown && commenting && (
        <CommentField
          comment={feedback.comment ?? ""}
          onClose={close}
          onSend={(comment) => {
            close();
            void rate({ rating: "down", comment }, comment === null ? null : texts.feedback.thanks);
          }}
        />
      )}
      <p ref={status} class="remark" role="status">
        {remark}
      </p>
    </>
  );
}
