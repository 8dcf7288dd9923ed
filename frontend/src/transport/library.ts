// What the page alone does with saved conversations: they are renamed, exported, and all deleted at once.
import { type Listed, readListed } from "../protocol/message";
import { addressOf, Client } from "./client";

export type Format = "markdown" | "json";

export interface Exported {
  readonly name: string;
  readonly content: Blob;
}

export class Library extends Client {
  async rename(id: string, title: string): Promise<Listed | null> {
    const response = await this.request(addressOf(id), { method: "PATCH", body: { title } });
    return readListed(await response.json());
  }

  async deleteAll(): Promise<void> {
    await this.request("/conversations", { method: "DELETE" });
  }

  async export(id: string, format: Format): Promise<Exported> {
    const response = await this.request(`${addressOf(id)}/export?format=${format}`, {});
    const named = /filename="([\w.-]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
    return { name: named?.[1] ?? "footnote-conversation", content: await response.blob() };
  }
}
