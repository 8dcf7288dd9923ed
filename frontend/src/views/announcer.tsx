// What a screen reader hears: one announcement for each answer that comes to its end here, and in between nothing but,
// once for each answer, that the connection was lost.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer } from "../conversation/state";
import { lastTurn, shownAnswer } from "../conversation/state";
import { plainText } from "../markdown/answer_text";
import type { Session } from "../session/session";
import { ABSTENTION, endingNote, failureText, texts } from "../texts";
import { footingOf, originOf } from "./footing";

interface Props {
  readonly session: Session;
  /** Name of the creator who is asked. */
  readonly asked: string | null;
}

export function Announcer({ session, asked }: Props) {
  const [announcement, setAnnouncement] = useState({ count: 0, text: "" });
  const underway = useRef<string | null>(null);
  const lost = useRef<string | null>(null);
  useEffect(
    () =>
      session.subscribe((conversation) => {
        const announce = (text: string) => setAnnouncement(({ count }) => ({ count: count + 1, text }));
        const turn = lastTurn(conversation);
        if (turn === null || turn.answer.ending === null) {
          underway.current = turn?.key ?? null;
          if (turn?.answer.reconnecting === true && lost.current !== turn.key) {
            lost.current = turn.key;
            announce(texts.reconnecting);
          }
        } else if (underway.current === turn.key) {
          underway.current = null;
          announce(spoken(shownAnswer(turn.answer), asked));
        }
      }),
    [session, asked],
  );
  return (
    <div class="hidden" aria-live="polite" data-testid="announcer">
      {announcement.count > 0 && <p key={announcement.count}>{announcement.text}</p>}
    </div>
  );
}

function spoken(answer: Answer, asked: string | null): string {
  const words = plainText(answer.text) || (answer.ending === "abstained" ? ABSTENTION.fallback : "");
  const doubt = answer.citations.some(({ supported }) => !supported) ? texts.someDoubted : null;
  const remark = answer.failure === null ? endingNote(answer.ending) : failureText(answer.failure);
  // An answer that is there again has been heard before.
  if (answer.failure !== null && answer.ending !== "failed") return `${texts.notRenewed} ${remark}`;
  return [words && texts.answerReady(words, originOf(footingOf(answer), asked)), doubt, remark].filter(Boolean).join(" ");
}
