/**
 * `npm run test:vllm`: what a real vLLM tells, read through the built bundle on raw workerd. One server on CPUs with random
 * weights; a conversation of several turns. Shows that its metrics are found and read (the size of its KV memory, what it
 * runs for others), and that its last chunk says what was cached. `WARMPATH_VLLM` is the `vllm` of an environment in which
 * it runs; without it the script says so and exits 0: PyPI's wheel for CPUs asks for a build of torch that PyPI does not
 * have, so it cannot be installed by name.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freePort } from "../support/free-port.ts";

const START_MS_MAX = 300_000;
const CONTEXT = 4_096;
const TURNS = 5;

type Message = { readonly role: string; readonly content: string };

async function startVllm(vllm: string, folder: string): Promise<{ readonly url: string; readonly stop: () => void }> {
  const model = join(folder, "model");
  const made = spawnSync(join(dirname(vllm), "python"), [join(import.meta.dirname, "vllm_model.py"), model]);
  if (made.status !== 0) throw new Error(`the model could not be made: ${made.stderr.toString()}`);
  const port = await freePort();
  const shape = ["--max-model-len", String(CONTEXT), "--max-num-seqs", "8", "--enforce-eager", "--dtype", "float32"];
  const tells = ["--enable-prompt-tokens-details", "--enable-per-request-metrics"];
  const at = ["--host", "127.0.0.1", "--port", String(port), "--served-model-name", "test-model"];
  const env = { ...process.env, VLLM_CPU_KVCACHE_SPACE: "1", VLLM_NO_USAGE_STATS: "1", HF_HUB_OFFLINE: "1" };
  const args = ["serve", model, "--load-format", "dummy", ...at, ...shape, ...tells];
  // A group of its own: the server starts further processes.
  const child = spawn(vllm, args, { stdio: "ignore", env, detached: true });
  const stop = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  };
  process.once("exit", stop);
  const url = `http://127.0.0.1:${port}`;
  const giveUpAtMs = Date.now() + START_MS_MAX;
  for (;;) {
    const health = await fetch(`${url}/health`).catch(() => null);
    if (health?.status === 200) return { url, stop };
    if (Date.now() > giveUpAtMs || child.exitCode !== null) throw new Error("vLLM does not start");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** The last chunk's usage of one turn, which is added to the talk. */
async function turn(fleet: Fleet, talk: Message[]): Promise<string> {
  const body = JSON.stringify({ model: "test-model", stream: true, max_tokens: 8, messages: talk });
  const headers = { "content-type": "application/json" };
  const text = await (await fleet.call("/v1/chat/completions", { method: "POST", headers, body })).text();
  talk.push({ role: "assistant", content: "answer" }, { role: "user", content: "and then? ".repeat(20) });
  return /"usage":\{[^}]*\{[^}]*\}[^}]*\}/.exec(text)?.[0] ?? text.slice(-400);
}

/** Absent from shards that do not count KV memory. */
const kvMaxOf = (view: object | undefined): unknown => (view as { readonly kvMax?: unknown } | undefined)?.kvMax;

async function check(vllm: string, folder: string): Promise<string[]> {
  const engine = await startVllm(vllm, folder);
  const fleet = await startFleet({
    endpoints: [{ id: "vllm", region: "us-east", config: { url: engine.url } }],
    pool: { streamUsage: true },
  });
  try {
    const talk: Message[] = [{ role: "user", content: "Once there was a router. ".repeat(60) }];
    const usages: string[] = [];
    for (let at = 0; at < TURNS; at++) usages.push(await turn(fleet, talk));
    for (const usage of usages) console.log(usage);
    const view = await fleet.until(
      async () => (await fleet.shards(true)).flatMap(({ status }) => status?.endpoints ?? [])[0],
      (seen) => typeof kvMaxOf(seen) === "number",
    );
    console.log(
      `KV memory as the shard knows it: ${String(kvMaxOf(view))} tokens; reads ${view?.prefillTokensPerMs} tokens/ms`,
    );
    const cached = usages.filter((usage) => Number(/"cached_tokens":(\d+)/.exec(usage)?.[1]) > 0).length;
    return cached < TURNS - 1 ? [`${cached} of ${TURNS - 1} later turns say that something was cached`] : [];
  } finally {
    await fleet.close();
    engine.stop();
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const vllm = process.env["WARMPATH_VLLM"];
const folder = mkdtempSync(join(tmpdir(), "warmpath-vllm-"));
try {
  if (vllm === undefined) console.log("skipped: WARMPATH_VLLM does not name a vllm that runs on this machine");
  else {
    const problems = await check(vllm, folder);
    for (const problem of problems) console.log(`FAIL ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
