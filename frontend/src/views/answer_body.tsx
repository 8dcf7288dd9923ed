// The words of an answer, growing as they come, with previews at their footnotes.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Answer } from "../conversation/state";
import { AnswerText } from "../markdown/answer_text";
import { markDoubts, markerIndex } from "../markdown/markers";
import type { Source } from "../protocol/source";
import { Popover } from "./popover";
import { usePreview } from "./use_preview";

interface Props {
  readonly answer: Answer;
  readonly onLookAt: (index: number | null) => void;
  readonly onExpand: (index: number) => void;
}

const NO_SOURCES: readonly Source[] = [];

export function AnswerBody({ answer, onLookAt, onExpand }: Props) {
  const container = useRef<HTMLDivElement>(null);
  const text = useRef<AnswerText | null>(null);
  const popoverId = `preview-${answer.messageId}`;
  const preview = usePreview();
  const sources = answer.sources ?? NO_SOURCES;
  const growing = answer.ending === null;
  const source = preview.marker && sources.find((candidate) => candidate.index === markerIndex(preview.marker!));

  useLayoutEffect(() => {
    text.current ??= new AnswerText(container.current!);
    text.current.show(answer.text, sources, growing);
    markDoubts(container.current!, sources, answer.citations);
  }, [answer.text, sources, growing, answer.citations]);

  useLayoutEffect(() => {
    const marker = preview.marker;
    onLookAt(source?.index ?? null);
    marker?.setAttribute("aria-describedby", popoverId);
    return () => marker?.removeAttribute("aria-describedby");
  }, [preview.marker, popoverId]);

  const open = (event: MouseEvent) => {
    const marker = (event.target as Element).closest(".marker");
    const wanted = marker && sources.find((candidate) => candidate.index === markerIndex(marker));
    if (!wanted || wanted.removed) return;
    if (wanted.url === null) {
      preview.hide(0);
      onExpand(wanted.index);
    } else {
      window.open(wanted.url, "_blank", "noopener,noreferrer");
    }
  };

  const { onMouseOver, onMouseLeave, onFocusIn, onFocusOut, onKeyDown } = preview;
  return (
    <div class="answer-frame">
      <div
        ref={container}
        class={growing ? "answer growing" : "answer"}
        data-testid="answer"
        onClick={open}
        {...{ onMouseOver, onMouseLeave, onFocusIn, onFocusOut, onKeyDown }}
      />
      {source && (
        <Popover id={popoverId} source={source} marker={preview.marker!} onEnter={preview.show} onLeave={preview.hide} />
      )}
    </div>
  );
}
