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
