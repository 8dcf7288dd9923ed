// What a screen reader hears: one announcement for each answer that comes to its end here, and nothing in between.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer } from "../conversation/state";
import { lastTurn } from "../conversation/state";
import { plainText } from "../markdown/answer_text";
import type { Session } from "../session/session";
import { ABSTENTION, endingNote, failureText, texts } from "../texts";

export function Announcer({ session }: { session: Session }) {
  const [announcement, setAnnouncement] = useState({ count: 0, text: "" });
  const underway = useRef<string | null>(null);
  useEffect(
    () =>
      session.subscribe((conversation) => {
        const turn = lastTurn(conversation);
        if (turn === null || turn.answer.ending === null) {
          underway.current = turn?.key ?? null;
        } else if (underway.current === turn.key) {
          underway.current = null;
          const text = spoken(turn.answer);
          setAnnouncement(({ count }) => ({ count: count + 1, text }));
        }
      }),
    [session],
  );
  return (
    <div class="hidden" aria-live="polite" data-testid="announcer">
      {announcement.count > 0 && <p key={announcement.count}>{announcement.text}</p>}
    </div>
  );
}

function spoken(answer: Answer): string {
  const words = plainText(answer.text) || (answer.ending === "abstained" ? ABSTENTION.fallback : "");
  const remark = answer.failure === null ? endingNote(answer.ending) : failureText(answer.failure);
  return [words && texts.answerReady(words), remark].filter(Boolean).join(" ");
}
