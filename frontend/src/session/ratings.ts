// What the reader thinks of answers: shown at once, kept by the service one after the other, and taken back where that fails.
import type { ConversationEvent } from "../conversation/event";
import type { Conversation } from "../conversation/state";
import type { Feedback } from "../protocol/message";
import type { Client } from "../transport/client";

export class Ratings {
  /** Whatever comes last is sent last, and counts. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly client: Client,
    private readonly dispatch: (event: ConversationEvent) => void,
  ) {}

  async rate({ id, turns }: Conversation, messageId: string, feedback: Feedback | null): Promise<boolean> {
    const rated = turns.find(({ answer }) => answer.messageId === messageId);
    if (id === null || rated === undefined) return false;
    this.dispatch({ type: "rated", messageId, feedback });
    const kept = this.last.then(() => this.client.rate(id, messageId, feedback)).then(
      () => true,
      () => false,
    );
    this.last = kept;
    if (await kept) return true;
    this.dispatch({ type: "rated", messageId, feedback: rated.answer.feedback });
    return false;
  }
}
