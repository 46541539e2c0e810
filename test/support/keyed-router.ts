/** A router on raw workerd whose config, peppers and state a test may change from one start to the next. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGpuSimulator } from "../../backends/gpu-simulator/server.ts";
import { formatKey, keyHmac, toHex } from "../../src/wire/api-keys.ts";
import { startWorkerd } from "../../tools/cli/workerd.ts";
import type { Workerd } from "../../tools/cli/workerd.ts";
import { BUNDLE } from "./fleet.ts";

export type Json = Readonly<Record<string, unknown>>;
export type Said = { readonly status: number; readonly json: Json; readonly text: string; readonly headers: Headers };

export type KeyedRouter = {
  /** Of an operator, in the config. */
  readonly operator: string;
  readonly pepper: string;
  readonly stateDir: string;
  router: Workerd;
  ask(
    method: string,
    path: string,
    key: string | null,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Said>;
  chat(key: string, model?: string): Promise<Said>;
  /** Kills it, and starts it on the same state with other bindings. */
  again(bindings?: Readonly<Record<string, string>>, config?: Json): Promise<void>;
  close(): Promise<void>;
};

const REGIONS = { here: { lat: 50.1, lon: 8.7, hint: "weur" } };

/** Pools `main` (models `alpha`, `alpha-long`) and `other` (model `beta`), each with one simulated engine. */
export async function startKeyedRouter(
  config: Json = {},
  bindings: Readonly<Record<string, string>> = {},
  options: { readonly operatorsListen?: string } = {},
): Promise<KeyedRouter> {
  const pepper = randomBytes(24).toString("base64");
  const operator = formatKey("operator", randomBytes(32));
  const stateDir = mkdtempSync(join(tmpdir(), "warmpath-keys-"));
  const engines = [await startGpuSimulator({ model: "alpha" }), await startGpuSimulator({ model: "beta" })];
  const endpoint = (id: string, at: number) => ({ id, region: "here", backend: "openai", url: engines[at]?.url });
  const whole = {
    regions: REGIONS,
    keys: [{ id: "operator", tenant: "ops", hmac: toHex(await keyHmac(operator, pepper)), scopes: ["infer", "admin"] }],
    pools: {
      main: { models: ["alpha", "alpha-long"], paths: ["*"], endpoints: [endpoint("a", 0)] },
      other: { models: ["beta"], paths: ["*"], endpoints: [endpoint("b", 1)] },
    },
    ...config,
  };
  const start = async (more: Readonly<Record<string, string>>, changed: Json): Promise<Workerd> =>
    startWorkerd({
      bundlePath: BUNDLE,
      ...options,
      stateDir,
      bindings: {
        WARMPATH_CONFIG: JSON.stringify({ ...whole, ...changed }),
        WARMPATH_KEY_PEPPER: pepper,
        ...bindings,
        ...more,
      },
    });
  const made: KeyedRouter = {
    operator,
    pepper,
    stateDir,
    router: await start({}, {}),
    async ask(method, path, key, body, headers = {}) {
      const response = await fetch(made.router.url + path, {
        method,
        redirect: "manual",
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get("content-type")?.includes("json") === true && text.startsWith("{");
      const json = isJson && !text.includes("\n{") ? (JSON.parse(text) as Json) : {};
      return { status: response.status, json, text, headers: response.headers };
    },
    chat: async (key, model = "alpha") =>
      made.ask("POST", "/v1/chat/completions", key, {
        model,
        max_tokens: 2,
        messages: [{ role: "user", content: "hello" }],
      }),
    async again(more = {}, changed = {}) {
      await made.router.kill();
      made.router = await start(more, changed);
    },
    async close() {
      await made.router.kill();
      await Promise.all(engines.map(async (engine) => engine.close()));
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
  return made;
}
