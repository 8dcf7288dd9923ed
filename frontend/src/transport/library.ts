// The reader's saved conversations as the service has them: listed, renamed, deleted, exported. The page's alone.
import { type Listed, type ListPage, readList, readListed } from "../protocol/message";
import { Client } from "./client";

export type Format = "markdown" | "json";

export interface Exported {
  readonly name: string;
  readonly content: Blob;
}

export class Library extends Client {
  async list(cursor: string | null, signal?: AbortSignal): Promise<ListPage> {
    const behind = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    return readList(await this.json(`/conversations?limit=20${behind}`, signal));
  }

  async rename(id: string, title: string): Promise<Listed | null> {
    const response = await this.request(addressOf(id), { method: "PATCH", body: { title } });
    return readListed(await response.json());
  }

  async delete(id: string): Promise<void> {
    await this.request(addressOf(id), { method: "DELETE" });
  }

  async export(id: string, format: Format): Promise<Exported> {
    const response = await this.request(`${addressOf(id)}/export?format=${format}`, {});
    const named = /filename="([\w.-]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
    return { name: named?.[1] ?? "footnote-conversation", content: await response.blob() };
  }
}

function addressOf(id: string): string {
  return `/conversations/${encodeURIComponent(id)}`;
}
