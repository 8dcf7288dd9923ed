// Every sentence that a reader of the widget can meet, in one place. The page's own are in page/texts.ts.
import type { Ending, Failure, FailureReason } from "./conversation/state";
import type { Source } from "./protocol/source";

export const texts = {
  product: "Footnote",
  everyone: "Everyone",
  openChat: "Ask a question",
  closeChat: "Close",
  newConversation: "New conversation",
  conversation: "Conversation",
  conversationWith: (name: string) => `Conversation with ${name}`,

  questionLabel: "Your question",
  questionPlaceholder: (name: string | null) => (name === null ? "Ask a question" : `Ask about ${name}’s work`),
  send: "Send",
  stop: "Stop",
  charactersLeft: (left: number) => (left === 1 ? "1 character left" : `${left} characters left`),
  tooLong: (over: number) => (over === 1 ? "1 character too many" : `${over} characters too many`),
  smallPrint: "Answers are drawn from the sources shown. Follow a footnote to check for yourself.",

  voice: {
    label: (name: string) => `Voice of the answers: from neutral to like ${name}`,
    neutral: "Neutral",
    like: (name: string) => `Like ${name}`,
    steps: ["Neutral", "A touch", "Half", "Strong", "Full"],
    smallPrint: (name: string) => `The voice imitates ${name}; the facts come from the sources shown. Follow a footnote to check.`,
  },

  saved: {
    heading: "Your conversations",
    none: "Conversations that you begin are listed here.",
    more: "Show more",
    delete: "Delete",
    deleteOne: (title: string) => `Delete “${title}”`,
    askDelete: "Delete this conversation? It cannot be brought back.",
    keep: "Keep",
    deleted: (title: string) => `“${title}” is deleted.`,
    failed: "That did not work. Please try again in a moment.",
    unread: "Your conversations cannot be read at the moment.",
  },

  emptyTitle: (name: string | null) => (name === null ? "What would you like to know?" : `Ask ${name}`),
  emptyBody: (name: string | null) =>
    name === null
      ? "Every answer comes from what the creators have really said and written, with footnotes that open the exact moment."
      : `Every answer comes from what ${name} has really said and written, with footnotes that open the exact moment.`,
  tryOne: "Questions to begin with",

  restoring: "Opening your conversation…",
  unread: "Your conversation cannot be opened at the moment. It is kept.",
  searching: "Searching the sources…",
  reading: "Reading the sources…",
  usingTool: (name: string) => `Using ${name}…`,
  stopping: "Stopping…",
  reconnecting: "Connection lost. Reconnecting…",
  latest: "Go to the latest",

  sources: "Sources",
  alsoFound: "Also found",
  foundOnly: "Found, not cited",
  perhaps: "Perhaps these help",
  thisCreator: "this creator",
  anotherCreator: "another creator",
  fromOthers: (name: string) => `Not from ${name}; others say:`,
  partlyFromOthers: (name: string) => `Partly from others, not from ${name} alone:`,
  showAll: (count: number) => `Show all ${count}`,
  showFewer: "Show fewer",
  removedSource: "Removed by its creator",
  opensAt: (time: string) => `Opens at ${time}`,
  opensPage: "Opens the original",
  showsCard: "Shows the passage",
  markerName: (source: Source) => `Source ${source.index}: ${source.removed ? texts.removedSource : source.title}`,
  doubt: "The source may not say this.",
  doubtedMarker: (name: string) => `${name}. The source may not say this`,
  someDoubted: "Part of this may not be in its sources.",

  quoted: "Quoted directly from the sources",
  searchedFor: (query: string) => `Searched for: ${query}`,
  retry: "Retry",
  renew: "Try again",
  notRenewed: "There is no new answer; this is the one from before.",

  feedback: {
    group: "Your rating",
    up: "Helpful",
    down: "Not helpful",
    comment: "What was wrong, or missing?",
    add: "Say why",
    change: "Change your comment",
    send: "Send comment",
    close: "Leave it",
    thanks: "Thank you. Your comment is kept.",
    failed: "That could not be kept. Please try again in a moment.",
  },

  retryIn: (seconds: number) => `Please try again in ${seconds === 1 ? "a second" : `${seconds} seconds`}.`,

  asker: "You asked",
  answerReady: (text: string, origin: string | null) => ["Answer:", origin, text].filter(Boolean).join(" "),

  kinds: { video: "Video", audio: "Audio", article: "Article", document: "Document" },
} as const;

const ENDINGS: Readonly<Record<Ending, string | null>> = {
  answered: null,
  abstained: null,
  failed: null,
  length: "The answer reached its full length and ends here.",
  stopped: "You stopped this answer.",
  interrupted: "This answer was cut off before its end.",
};

export function endingNote(ending: Ending | null): string | null {
  return ending === null ? null : ENDINGS[ending];
}

export const ABSTENTION = {
  title: "Nothing solid enough to stand on",
  fallback: "The sources do not answer this one. Try other words, or ask about something closer to their work.",
} as const;

const FAILURES: Readonly<Record<FailureReason, string>> = {
  connection: "The connection was lost before the answer was complete.",
  interrupted: "This answer could not be finished.",
  busy: "An answer in this conversation is still being written, perhaps in another tab.",
  rate_limited: "That was a lot of questions in a short time.",
  unavailable: "The service is not available at the moment.",
  unknown_creator: "This creator cannot be asked here (any more).",
  forbidden: "You do not have access to this.",
  invalid: "This question could not be read. Please put it in other words.",
  unknown: "Something went wrong on our side.",
};

export function failureText(failure: Failure): string {
  return FAILURES[failure.reason] + waitText(failure);
}

export function unreadText(failure: Failure): string {
  return texts.unread + waitText(failure);
}

function waitText({ retryAfter }: Failure): string {
  return retryAfter === null || retryAfter <= 0 ? "" : ` ${texts.retryIn(Math.ceil(retryAfter))}`;
}
