/** A router with two tenants' keys, and the published `openai` package for each. */
import OpenAI from "openai";
import { startKeyedRouter } from "./keyed-router.ts";
import type { Json, KeyedRouter } from "./keyed-router.ts";

export type FilesRouter = KeyedRouter & {
  /** Of the tenants acme and umbrella. */
  readonly owner: string;
  readonly stranger: string;
  client(key: string): OpenAI;
};

export async function startFilesRouter(
  config: Json = {},
  bindings: Readonly<Record<string, string>> = {},
): Promise<FilesRouter> {
  const made = await startKeyedRouter(config, { WARMPATH_DEV: "1", ...bindings });
  const keyOf = async (tenant: string): Promise<string> => {
    const said = await made.ask("POST", "/admin/keys", made.operator, { tenant, scopes: ["infer"] });
    return String(said.json["key"]);
  };
  const [owner, stranger] = [await keyOf("acme"), await keyOf("umbrella")];
  const client = (apiKey: string): OpenAI =>
    new OpenAI({ baseURL: `${made.router.url}/v1`, apiKey, maxRetries: 0, logLevel: "off" });
  return Object.assign(made, { owner, stranger, client });
}

/** Lines as a file of a batch. */
export const jsonl = (lines: readonly unknown[], name = "batch.jsonl"): File =>
  new File([lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("")], name);

/** A request of a batch, told by its name. */
export const lineOf = (custom_id: string, body: Json = {}): Json => ({
  custom_id,
  method: "POST",
  url: "/v1/chat/completions",
  body: { model: "alpha", max_tokens: 2, messages: [{ role: "user", content: custom_id }], ...body },
});

const ENDED = new Set(["completed", "failed", "expired", "cancelled"]);

/** As a client waits for it: asks again, and never twice in the same instant. */
export async function endOf(client: OpenAI, id: string): Promise<OpenAI.Batch> {
  for (;;) {
    const batch = await client.batches.retrieve(id);
    if (ENDED.has(batch.status)) return batch;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export type AnswerLine = {
  readonly id: string;
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly request_id: string; readonly body: Json } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
};

/** The lines of a batch's file of answers; none where there is no such file. */
export async function answersIn(client: OpenAI, fileId: string | null | undefined): Promise<readonly AnswerLine[]> {
  if (fileId === null || fileId === undefined) return [];
  const text = await (await client.files.content(fileId)).text();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as AnswerLine);
}
