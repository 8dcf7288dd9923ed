// One answer from the search to its last word: sources first, then the text, then how it ended.
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Answer, shownAnswer } from "../conversation/state";
import { ABSTENTION, endingNote, failureText, texts } from "../texts";
import type { Feedback } from "../protocol/message";
import { AnswerBody } from "./answer_body";
import { AnswerFoot } from "./answer_foot";
import { AskedCreator } from "./asked_creator";
import { footingOf, originOf } from "./footing";
import { QuoteIcon, RetryIcon } from "./icons";
import { SourceList, SourceSkeleton } from "./source_list";

/** What a reader can do with an answer. */
export interface AnswerActions {
  readonly retry: () => void;
  readonly renew: () => void;
  readonly rate: (messageId: string, feedback: Feedback | null) => Promise<boolean>;
}

interface Props {
  readonly question: string;
  readonly answer: Answer;
  readonly actions: AnswerActions;
  /** Only the last answer can be asked for again. */
  readonly last: boolean;
}

export function AnswerView({ question, answer: given, actions, last }: Props) {
  const answer = useMemo(() => shownAnswer(given), [given]);
  const [lookedAt, setLookedAt] = useState<number | null>(null);
  const [expanded, setExpanded] = useState<number | null>(null);
  const element = useRef<HTMLDivElement>(null);
  const asked = useRef(false);

  const expand = (index: number | null) => {
    asked.current = index !== null;
    setExpanded(index);
  };
  useEffect(() => {
    if (expanded === null || !asked.current) return;
    const card = element.current?.querySelector<HTMLElement>(`.card[data-index="${expanded}"]`);
    card?.scrollIntoView?.({ block: "center" });
    card?.focus({ preventScroll: true });
  }, [expanded]);

  // A source that the keyboard is at goes out of sight where the answer has ended without citing it.
  const root = element.current?.getRootNode() as ShadowRoot | undefined;
  const focused = root?.activeElement?.closest<HTMLElement>(".sources *");
  useLayoutEffect(() => {
    if (!focused || focused.isConnected) return;
    element.current!.querySelector<HTMLElement>(`[data-index="${focused.dataset["index"]}"], .fold`)?.focus();
  });

  const footing = useMemo(() => footingOf(answer), [answer]);
  const { used, unused, perhaps } = footing;
  const origin = originOf(footing, useContext(AskedCreator));
  // Sources that only may help say so before the service does.
  const abstained = answer.ending === "abstained" || (answer.ending === null && perhaps.length > 0);
  const note = endingNote(answer.ending);
  return (
    <div ref={element} class={`reply ${answer.ending ?? "underway"}`} data-ending={answer.ending ?? undefined}>
      {answer.sources === null && answer.ending === null && <SourceSkeleton />}
      <SourceList title={texts.sources} sources={used} highlighted={lookedAt} expanded={expanded} onExpand={expand} />
      {used.length > 0 ? (
        <SourceList key="also" title={texts.alsoFound} sources={unused} muted folded expanded={expanded} onExpand={expand} />
      ) : (
        <SourceList key="only" title={texts.foundOnly} sources={unused} muted expanded={expanded} onExpand={expand} />
      )}
      {origin !== null && (answer.text !== "" || answer.ending === null) && <p class="origin">{origin}</p>}
      {(answer.text !== "" || answer.ending === "abstained") && (
        <div class={abstained ? "abstention" : undefined}>
          {abstained && <p class="abstention-title">{ABSTENTION.title}</p>}
          <AnswerBody
            answer={answer.text === "" ? { ...answer, text: ABSTENTION.fallback } : answer}
            onLookAt={setLookedAt}
            onExpand={expand}
          />
        </div>
      )}
      <SourceList title={texts.perhaps} sources={perhaps} muted expanded={expanded} onExpand={expand} />
      <Progress answer={answer} />
      {answer.searched !== null && answer.searched !== question && <p class="note">{texts.searchedFor(answer.searched)}</p>}
      {note !== null && <p class="note">{note}</p>}
      {answer.cascadeTier === "extractive" && (answer.ending === "answered" || answer.ending === "stopped") && (
        <p class="note">
          <QuoteIcon /> {texts.quoted}
        </p>
      )}
      {answer.failure !== null && (
        <div class="failure">
          <p>
            {answer.ending !== "failed" && `${texts.notRenewed} `}
            {failureText(answer.failure)}
          </p>
          {answer.failure.retryable && last && (
            <button type="button" class="retry" onClick={actions.retry}>
              <RetryIcon /> {texts.retry}
            </button>
          )}
        </div>
      )}
      <AnswerFoot key={given.messageId} answer={given} actions={actions} last={last} />
    </div>
  );
}

function Progress({ answer }: { answer: Answer }) {
  const line = progressOf(answer);
  return line === null ? null : <p class="progress">{line}</p>;
}

function progressOf(answer: Answer): string | null {
  if (answer.ending !== null) return null;
  if (answer.reconnecting) return texts.reconnecting;
  if (answer.stopping) return texts.stopping;
  if (answer.tool !== null) return texts.usingTool(answer.tool);
  if (answer.sources === null) return texts.searching;
  return answer.text === "" ? texts.reading : null;
}
