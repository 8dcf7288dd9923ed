// The service's HTTP interface, one method per request.
import { type Creator, readCreators } from "../protocol/creator";
import {
  type Feedback, type ListPage, type Page, readConversation, readList, readPage, type SavedConversation, type SavedMessage,
} from "../protocol/message";
import { readRefusal } from "../protocol/refusal";
import { readTheme } from "../protocol/site";
import { parseJson } from "../protocol/values";
import { Refused, Unreachable } from "./failures";

/** Where the visitor's token is kept. */
export interface TokenKeeper {
  read(): string | null;
  write(token: string | null): void;
}

export interface Question {
  readonly query: string;
  readonly creator: string | null;
  /** Whether others may answer what the creator cannot. */
  readonly widen: boolean;
  /** How much the answer sounds like the creator, from 0 to 1. */
  readonly weight: number;
  readonly conversationId: string | null;
  readonly idempotencyKey: string;
}

export interface Request {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export class Client {
  constructor(
    private readonly endpoint: string,
    private readonly token: TokenKeeper,
    private readonly site: string | null = null,
  ) {}

  /** How the site wants the widget to look: auto, light or dark. */
  async theme(signal?: AbortSignal): Promise<string | null> {
    return this.site === null ? null : readTheme(await this.json("/site", signal));
  }

  async creators(signal?: AbortSignal): Promise<Creator[]> {
    return readCreators(await this.json("/creators", signal));
  }

  async conversation(id: string, signal?: AbortSignal): Promise<SavedConversation | null> {
    return readConversation(await this.json(addressOf(id), signal));
  }

  /** All messages, oldest first, however many pages they fill. */
  async messages(id: string, signal?: AbortSignal): Promise<SavedMessage[]> {
    const messages: SavedMessage[] = [];
    let cursor: string | null = null;
    do {
      const more: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `${addressOf(id)}/messages?limit=100${more}`;
      const page: Page = readPage(await this.json(path, signal));
      messages.push(...page.messages);
      cursor = page.nextCursor === cursor ? null : page.nextCursor;
    } while (cursor !== null);
    return messages;
  }

  /** A page of the reader's own conversations, the one last answered in first. */
  async list(cursor: string | null, signal?: AbortSignal): Promise<ListPage> {
    const behind = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    return readList(await this.json(`/conversations?limit=20${behind}`, signal));
  }

  async delete(id: string): Promise<void> {
    await this.request(addressOf(id), { method: "DELETE" });
  }

  /** The open stream of the answer. */
  ask(question: Question, signal: AbortSignal): Promise<Response> {
    return this.request("/chat", {
      method: "POST",
      headers: { "Idempotency-Key": question.idempotencyKey, Accept: "text/event-stream" },
      body: {
        query: question.query,
        creator: question.creator,
        widen: question.widen,
        personality_weight: question.weight,
        conversation_id: question.conversationId,
      },
      signal,
    });
  }

  /** The open stream of a new answer in the place of the conversation's last one. */
  renew(conversationId: string, messageId: string, idempotencyKey: string, signal: AbortSignal): Promise<Response> {
    return this.request(`${addressOfMessage(conversationId, messageId)}/regenerate`, {
      method: "POST",
      headers: { "Idempotency-Key": idempotencyKey, Accept: "text/event-stream" },
      signal,
    });
  }

  /** Keeps what the reader thinks of an answer; null takes it back. */
  async rate(conversationId: string, messageId: string, feedback: Feedback | null): Promise<void> {
    const path = `${addressOfMessage(conversationId, messageId)}/feedback`;
    await this.request(path, feedback === null ? { method: "DELETE" } : { method: "PUT", body: feedback });
  }

  /** The open stream of a run behind the frame with this number. */
  resume(runId: string, after: number, signal: AbortSignal): Promise<Response> {
    return this.request(`/chat/runs/${encodeURIComponent(runId)}/events`, {
      headers: { "Last-Event-ID": String(after), Accept: "text/event-stream" },
      signal,
    });
  }

  async stop(runId: string): Promise<void> {
    await this.request(`/chat/runs/${encodeURIComponent(runId)}/stop`, { method: "POST" });
  }

  protected async json(path: string, signal?: AbortSignal): Promise<unknown> {
    const response = await this.request(path, { signal });
    try {
      return (await response.json()) as unknown;
    } catch (cause) {
      throw new Unreachable("the answer is not JSON", { cause });
    }
  }

  /** A token that the service no longer accepts is forgotten, and the request made once more without it. */
  protected async request(path: string, request: Request): Promise<Response> {
    const token = this.token.read();
    let response = await this.send(path, request, token);
    if (response.status === 401 && token !== null) {
      this.token.write(null);
      response = await this.send(path, request, null);
    }
    const minted = response.headers.get("X-Visitor-Token");
    if (minted !== null) this.token.write(minted);
    if (response.ok) return response;
    const body = parseJson(await response.text().catch(() => ""));
    throw new Refused(readRefusal(response.status, body, response.headers.get("Retry-After")));
  }

  private async send(path: string, request: Request, token: string | null): Promise<Response> {
    const headers: Record<string, string> = { ...request.headers };
    if (token !== null) headers["X-Visitor-Token"] = token;
    if (this.site !== null) headers["X-Footnote-Site"] = this.site;
    if (request.body !== undefined) headers["Content-Type"] = "application/json";
    try {
      return await fetch(`${this.endpoint}/api/v1${path}`, {
        method: request.method ?? "GET",
        headers,
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal: request.signal ?? null,
        credentials: "omit",
        cache: "no-store",
      });
    } catch (cause) {
      throw new Unreachable("no response", { cause });
    }
  }
}

export function addressOf(conversationId: string): string {
  return `/conversations/${encodeURIComponent(conversationId)}`;
}

function addressOfMessage(conversationId: string, messageId: string): string {
  return `${addressOf(conversationId)}/messages/${encodeURIComponent(messageId)}`;
}
