// A real HTTP server on loopback that answers as a test tells it to.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

export type Handler = (request: Received, response: ServerResponse) => void | Promise<void>;

export class Service {
  readonly received: Received[] = [];
  private readonly handlers = new Map<string, Handler[]>();
  private readonly server = createServer((request, response) => void this.handle(request, response));

  static async start(): Promise<Service> {
    const service = new Service();
    await new Promise<void>((ready) => service.server.listen(0, "127.0.0.1", ready));
    return service;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Answers requests to "METHOD /path"; of several handlers each takes one request, and the last all others. */
  on(route: string, ...handlers: Handler[]): this {
    this.handlers.set(route, handlers);
    return this;
  }

  requests(route: string): Received[] {
    return this.received.filter(({ method, path }) => `${method} ${path}` === route);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const path = new URL(request.url ?? "/", "http://loopback").pathname.replace("/api/v1", "");
    const received: Received = {
      method: request.method ?? "",
      path,
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
    this.received.push(received);
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
    response.setHeader("Access-Control-Allow-Headers", "*, Content-Type, Idempotency-Key, Last-Event-ID, X-Visitor-Token");
    response.setHeader("Access-Control-Expose-Headers", "X-Run-Id, X-Conversation-Id, X-Visitor-Token, Retry-After");
    if (received.method === "OPTIONS") {
      response.writeHead(204).end();
      return;
    }
    const handlers = this.handlers.get(`${received.method} ${path}`);
    if (handlers === undefined) json({ code: "not_found" }, 404)(received, response);
    else await (handlers.length > 1 ? handlers.shift()! : handlers[0]!)(received, response);
  }
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Handler {
  return (_, response) => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
  };
}

/** One frame in the protocol's notation. */
export function frame(id: number, event: string, data: unknown): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

export const RUN_HEADERS = { "X-Run-Id": "run-1", "X-Conversation-Id": "conversation-1", "X-Visitor-Token": "token-1" };

/** Writes the pieces one after the other as they are, and then ends the response or breaks the connection. */
export function stream(pieces: readonly (string | Buffer)[], ending: "end" | "break" | "hold" = "end"): Handler {
  return async (_, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream", ...RUN_HEADERS });
    response.write("retry: 10\n\n");
    for (const piece of pieces) {
      response.write(piece);
      await new Promise((later) => setTimeout(later, 3));
    }
    if (ending === "end") response.end();
    else if (ending === "break") response.destroy();
  };
}

/** A run that goes on until it is stopped, and the request that stops it. */
export function stoppable(pieces: readonly string[], last: string): { ask: Handler; stop: Handler } {
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  return {
    ask: async (request, response) => {
      await stream(pieces, "hold")(request, response);
      await stopped;
      response.end(last);
    },
    stop: (request, response) => {
      json({}, 202)(request, response);
      stop();
    },
  };
}

export const SOURCE = {
  index: 1,
  title: "Low end without guesswork",
  creator: { slug: "mara", name: "Mara" },
  kind: "video",
  url: "https://video.example/watch?t=192",
  heading: null,
  start_s: 192.4,
  end_s: 200,
  snippet: "Take three decibels out.",
  score: 0.9,
  scope: "creator",
  published_at: "2024-03-12",
};

export const DONE = {
  cascade_tier: "fast",
  conversation_id: "conversation-1",
  message_id: "message-1",
  run_id: "run-1",
  finish_reason: "stop",
  citations: [],
};
