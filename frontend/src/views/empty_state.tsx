// Before the first question: who can be asked, and what for instance.
import type { Creator } from "../protocol/creator";
import { texts } from "../texts";

const QUESTIONS_SHOWN = 4;

interface Props {
  readonly creator: Creator | null;
  readonly creators: readonly Creator[];
  readonly onAsk: (question: string) => void;
}

export function EmptyState({ creator, creators, onAsk }: Props) {
  const questions = examples(creator === null ? creators : [creator]);
  const name = creator?.name ?? null;
  return (
    <div class="empty">
      <h2>{texts.emptyTitle(name)}</h2>
      <p>{texts.emptyBody(name)}</p>
      {questions.length > 0 && (
        <ul class="chips" aria-label={texts.tryOne}>
          {questions.map((question) => (
            <li key={question}>
              <button type="button" class="chip" onClick={() => onAsk(question)}>
                {question}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** The first question of every creator, then the second ones, until there are enough. */
function examples(creators: readonly Creator[]): string[] {
  const rounds = Math.max(0, ...creators.map((creator) => creator.questions.length));
  const questions = Array.from({ length: rounds }, (_, round) =>
    creators.flatMap((creator) => creator.questions[round] ?? []),
  );
  return [...new Set(questions.flat())].slice(0, QUESTIONS_SHOWN);
}
