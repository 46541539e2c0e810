/**
 * Starts what the overhead benchmark compares: the mock endpoint, and gateways in front of it on raw workerd. The floor
 * is the least that a Worker can do, so whatever another gateway costs above it is its own work.
 */
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { startWorkerd } from "../tools/cli/workerd.ts";
import type { Workerd } from "../tools/cli/workerd.ts";
import { formatKey, keyHmac, toHex } from "../src/wire/api-keys.ts";
import { pin } from "./cpu.ts";
import type { Cores } from "./cpu.ts";
import { CHAT_PATH, chatRequest, MODEL } from "./traffic.ts";

/** Higher than what any connection count here can reach: the benchmark measures the path, not admission. */
const CONCURRENCY_PER_WORKER = 256;

/** A first answer that takes longer means a wrong setup, ms: the router probes the endpoint before it trusts it. */
const FIRST_ANSWER_MS_MAX = 15_000;

export type MockEndpoint = { readonly url: string; readonly pid: number; close(): void };

/** Runs on the same core as its parent. */
export async function startMockEndpoint(): Promise<MockEndpoint> {
  const child = fork(join(import.meta.dirname, "mock-endpoint.ts"));
  const port = await new Promise<number>((resolve, reject) => {
    child.once("message", (message) => resolve((message as { port: number }).port));
    child.once("exit", (code) => reject(new Error(`the mock endpoint ended at its start (${code})`)));
    child.once("error", reject);
  });
  child.removeAllListeners("exit");
  return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, close: () => child.kill("SIGKILL") };
}

export type Contender = {
  readonly name: string;
  readonly workerd: Workerd;
  /** API key that it accepts. */
  readonly key: string;
};

const FLOOR_SCRIPT = `export default { fetch: (request, env) => fetch(env.UPSTREAM, request) };`;

/** A Worker that hands request and response through and does nothing else. It takes any key. */
export async function startFloor(endpointUrl: string, cores: Cores | null): Promise<Contender> {
  const workerd = await startWorkerd({ script: FLOOR_SCRIPT, bindings: { UPSTREAM: endpointUrl + CHAT_PATH } });
  if (cores !== null) pin(workerd.pid, cores.gateway);
  return { name: "floor", workerd, key: "none" };
}

/** What the config says besides, so that something is counted. */
export type Limited = { readonly tenants: object; readonly prices: object };

/** The whole router with default rails, one key, and one endpoint with room for every request. */
export async function startRouter(
  endpointUrl: string,
  cores: Cores | null,
  { bundlePath, name, limits }: { readonly bundlePath: string; readonly name: string; readonly limits?: Limited },
): Promise<Contender> {
  const pepper = randomBytes(24).toString("base64");
  const key = formatKey("bench", randomBytes(32));
  const endpoint = {
    id: "mock",
    region: "here",
    backend: "openai",
    url: endpointUrl,
    concurrencyPerWorker: CONCURRENCY_PER_WORKER,
  };
  const config = {
    regions: { here: { lat: 50.1, lon: 8.7, hint: "weur" } },
    keys: [{ id: "bench", tenant: "bench", hmac: toHex(await keyHmac(key, pepper)), scopes: ["infer"] }],
    pools: { bench: { models: [MODEL], endpoints: [endpoint], ...(limits && { prices: limits.prices }) } },
    ...(limits && { tenants: limits.tenants }),
  };
  const workerd = await startWorkerd({
    bundlePath,
    bindings: { WARMPATH_CONFIG: JSON.stringify(config), WARMPATH_KEY_PEPPER: pepper },
  });
  if (cores !== null) pin(workerd.pid, cores.gateway);
  return { name, workerd, key };
}

/** Resolves once the contender passes a request through: its endpoint is known to be warm. */
export async function untilReady({ name, workerd, key }: Contender): Promise<void> {
  const giveUpAtMs = performance.now() + FIRST_ANSWER_MS_MAX;
  const body = chatRequest(key, null).toString("latin1").split("\r\n\r\n")[1] ?? "";
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  for (;;) {
    const response = await fetch(workerd.url + CHAT_PATH, { method: "POST", headers, body });
    const text = await response.text();
    if (response.status === 200) return;
    if (performance.now() > giveUpAtMs) throw new Error(`${name} answers ${response.status}: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
