/**
 * `npm run bench:streams`: what output rails cost a stream of 50 chunks, and how much of ordinary prose they hold back.
 *
 * Model. As in `overhead.ts`: raw workerd, each contender alone on one core, CPU as the kernel counts it, ratios within
 * a round. The floor is a Worker that is `fetch(upstream, request)`; beside it stand the loop that reads and writes
 * each chunk in JavaScript, which is how rails would be written without the HTML rewriter
 * (`src/dispatch/text-rewriter.ts`), the router without output rails, the router with ["secrets", "pii"], and the router
 * whose client speaks Messages or Responses where the endpoint speaks chat. A contender
 * falls behind when its streams take longer than the endpoint takes to send them. Hold-back is counted, not timed:
 * characters that are held after each token.
 */
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildWorker } from "../tools/cli/build.ts";
import { startWorkerd } from "../tools/cli/workerd.ts";
import type { Workerd } from "../tools/cli/workerd.ts";
import { createTextFilter } from "../src/rails/core/stream/stream-filter.ts";
import { piiScanner } from "../src/rails/detectors/pii/stream-pii.ts";
import { secretsScanner } from "../src/rails/detectors/secrets/stream-secrets.ts";
import { formatKey, keyHmac, toHex } from "../src/wire/api-keys.ts";
import { untilReady } from "./contenders.ts";
import { chooseCores, coresBusyMs, cpuMsBetween, machineLine, pin, readCpu } from "./cpu.ts";
import type { Cores } from "./cpu.ts";
import { median, percentile } from "./stats.ts";
import { loadStreams } from "./stream-load.ts";
import { CHUNKS, INTERVAL_MS, PROSE, streamRequest, tokensOf } from "./stream-traffic.ts";
import type { Spoken } from "./stream-traffic.ts";
import { CHAT_PATH, MODEL } from "./traffic.ts";

/** CPU per stream over the floor's: what the project wants to keep. */
const CPU_RATIO_AIM = 2;

/** CPU of a stream that is told in another protocol, over that of one that passes. */
const TOLD_RATIO_AIM = 1.15;

const usage = `npm run bench:streams -- [options]
  --streams <n>   streams at once (default 200; 1 to 2000)
  --rounds <n>    rounds (default 4; 1 to 100)
  --seconds <n>   length of one contender's window in a round (default 2; 0.2 to 60)
  --bundle <file> measure this Worker bundle instead of a fresh build of the sources
  --json <file>   also write the figures there
  --help          this text`;

type Options = {
  readonly streams: number;
  readonly rounds: number;
  readonly windowMs: number;
  readonly bundlePath: string | null;
  readonly jsonPath: string | null;
};

/** Throws an Error with one line for a person; null when help was asked for. */
function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      streams: { type: "string", default: "200" },
      rounds: { type: "string", default: "4" },
      seconds: { type: "string", default: "2" },
      bundle: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  return {
    streams: within("streams", values.streams, 1, 2_000),
    rounds: within("rounds", values.rounds, 1, 100),
    windowMs: within("seconds", values.seconds, 0.2, 60) * 1_000,
    bundlePath: values.bundle === undefined ? null : resolve(values.bundle),
    jsonPath: values.json === undefined ? null : resolve(values.json),
  };
}

function within(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= min && value <= max))
    throw new Error(`--${name} takes a number from ${min} to ${max}`);
  return value;
}

type Contender = {
  readonly name: string;
  readonly workerd: Workerd;
  readonly key: string;
  /** In which protocol it is asked; its endpoint speaks chat. */
  readonly spoken: Spoken;
};

const SCRIPTS: Readonly<Record<string, string>> = {
  floor: "export default { fetch: (request, env) => fetch(env.UPSTREAM, request) };",
  loop: `export default { async fetch(request, env, ctx) {
    const response = await fetch(env.UPSTREAM, request);
    const { readable, writable } = new IdentityTransformStream();
    ctx.waitUntil((async () => {
      const reader = response.body.getReader();
      const writer = writable.getWriter();
      for (let read = await reader.read(); !read.done; read = await reader.read()) await writer.write(read.value);
      await writer.close();
    })());
    return new Response(readable, response);
  } };`,
};

async function startAll(url: string, bundlePath: string): Promise<readonly Contender[]> {
  const contenders: Contender[] = [];
  for (const [name, script] of Object.entries(SCRIPTS)) {
    const workerd = await startWorkerd({ script, bindings: { UPSTREAM: url + CHAT_PATH } });
    contenders.push({ name, workerd, key: "none", spoken: "chat" });
  }
  contenders.push(await startRouter("router", url, bundlePath, []));
  contenders.push(await startRouter("rails", url, bundlePath, ["secrets", "pii"]));
  for (const spoken of ["messages", "responses"] as const) {
    contenders.push({ ...(await startRouter(spoken, url, bundlePath, [])), spoken });
  }
  return contenders;
}

async function startRouter(
  name: string,
  url: string,
  bundlePath: string,
  output: readonly string[],
): Promise<Contender> {
  const pepper = randomBytes(24).toString("base64");
  const key = formatKey("bench", randomBytes(32));
  // Room for every stream: the path is measured, not admission.
  const endpoint = {
    id: "mock",
    region: "here",
    backend: "openai",
    url,
    protocols: ["chat"],
    concurrencyPerWorker: 4_096,
  };
  const config = {
    regions: { here: { lat: 50.1, lon: 8.7, hint: "weur" } },
    keys: [{ id: "bench", tenant: "bench", hmac: toHex(await keyHmac(key, pepper)), scopes: ["infer"] }],
    pools: { bench: { models: [MODEL], endpoints: [endpoint], rails: { output } } },
  };
  const bindings = { WARMPATH_CONFIG: JSON.stringify(config), WARMPATH_KEY_PEPPER: pepper };
  return { name, workerd: await startWorkerd({ bundlePath, bindings }), key, spoken: "chat" };
}

async function startEndpoint(): Promise<{ readonly url: string; close(): void }> {
  const child = fork(join(import.meta.dirname, "stream-endpoint.ts"));
  const port = await new Promise<number>((settle, reject) => {
    child.once("message", (message) => settle((message as { port: number }).port));
    child.once("error", reject);
  });
  return { url: `http://127.0.0.1:${port}`, close: () => child.kill("SIGKILL") };
}

export type StreamFigures = {
  readonly name: string;
  readonly cpuMsPerStream: number | null;
  /** Over the floor's of the same round. */
  readonly ratio: number | null;
  /** Over the router's without rails, of the same round. */
  readonly overRouter: number | null;
  readonly ttftP50Ms: number;
  readonly ttftP99Ms: number;
  /** How much of the endpoint's rate comes through, 0 to 1. */
  readonly sustained: number;
};

type Window = { readonly cpuMs: number | null; readonly ttftsMs: readonly number[]; readonly durationMs: number };

async function measure({ name, workerd, key, spoken }: Contender, { streams, windowMs }: Options): Promise<Window> {
  const before = readCpu(workerd.pid);
  const load = await loadStreams(workerd.port, {
    connections: streams,
    request: streamRequest(key, spoken),
    spoken,
    durationMs: windowMs,
  });
  const cpuMs = cpuMsBetween(before, readCpu(workerd.pid));
  const [failure] = load.failures;
  if (failure !== undefined)
    throw new Error(`${name}: ${load.failures.length} streams failed, the first with: ${failure}`);
  return {
    cpuMs: cpuMs === null ? null : cpuMs / load.streams,
    ttftsMs: load.ttftsMs,
    durationMs: median(load.durationsMs),
  };
}

async function measureAll(contenders: readonly Contender[], options: Options): Promise<readonly StreamFigures[]> {
  const windows = contenders.map((): Window[] => []);
  for (let round = 0; round <= options.rounds; round++) {
    for (const turn of contenders.keys()) {
      const index = (turn + round) % contenders.length;
      const contender = contenders[index];
      if (contender === undefined) continue;
      const window = await measure(contender, round === 0 ? { ...options, windowMs: 500 } : options);
      // The first round warms up.
      if (round > 0) windows[index]?.push(window);
    }
  }
  const nominalMs = (CHUNKS - 1) * INTERVAL_MS;
  return contenders.map(({ name }, index) => {
    const own = windows[index] ?? [];
    const cpu = own.flatMap(({ cpuMs }) => (cpuMs === null ? [] : [cpuMs]));
    const over = (base: number): number | null => {
      const ratios = own.flatMap(({ cpuMs }, round) => {
        const baseMs = windows[base]?.[round]?.cpuMs ?? null;
        return cpuMs === null || baseMs === null ? [] : [cpuMs / baseMs];
      });
      return ratios.length === 0 ? null : median(ratios);
    };
    const ttfts = own.flatMap(({ ttftsMs }) => ttftsMs);
    return {
      name,
      cpuMsPerStream: cpu.length === 0 ? null : median(cpu),
      ratio: over(0),
      overRouter: over(contenders.findIndex((one) => one.name === "router")),
      // The second chunk has the first token.
      ttftP50Ms: percentile(ttfts, 0.5) - INTERVAL_MS,
      ttftP99Ms: percentile(ttfts, 0.99) - INTERVAL_MS,
      sustained: Math.min(1, nominalMs / median(own.map(({ durationMs }) => durationMs))),
    };
  });
}

export type HeldFigures = {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
  readonly atOnceShare: number;
};

/** Characters held back after each token of prose, with the default output rails. */
export function heldBack(text: string): HeldFigures {
  const filter = createTextFilter([secretsScanner("redact"), piiScanner("redact")]);
  const held = tokensOf(text).map((token) => {
    filter.push(token);
    return filter.heldChars();
  });
  return {
    median: median(held),
    p99: percentile(held, 0.99),
    max: Math.max(...held),
    atOnceShare: held.filter((chars) => chars === 0).length / held.length,
  };
}

function report(figures: readonly StreamFigures[], held: HeldFigures, streams: number): string {
  const ms = (value: number | null): string => (value === null ? "-" : value.toFixed(2));
  const rows = figures.map(
    ({ name, cpuMsPerStream, ratio, ttftP50Ms, ttftP99Ms, sustained }) =>
      `  ${name.padEnd(8)} ${ms(cpuMsPerStream).padStart(7)} ${ms(ratio).padStart(7)} ${ttftP50Ms.toFixed(1).padStart(9)} ${ttftP99Ms.toFixed(1).padStart(9)} ${(sustained * 100).toFixed(0).padStart(8)} %`,
  );
  const told = figures.flatMap(({ name, overRouter }) =>
    (name === "messages" || name === "responses") && overRouter !== null ? [`${name} ${overRouter.toFixed(2)}`] : [],
  );
  const railed = figures.find(({ name }) => name === "rails")?.ratio ?? null;
  const verdict = railed === null ? "unknown" : railed <= CPU_RATIO_AIM ? "kept" : "missed";
  return [
    `${streams} streams at once, ${CHUNKS} chunks every ${INTERVAL_MS} ms`,
    `           CPU ms/   ÷ floor  TTFT p50  TTFT p99  sustained`,
    `           stream             ms        ms`,
    ...rows,
    `The aim, at most ${CPU_RATIO_AIM.toFixed(1)} times the floor with rails, is ${verdict}.`,
    `Told in chat and back, over the router's own path: ${told.length === 0 ? "unknown" : told.join(", ")}; the aim is ${TOLD_RATIO_AIM}.`,
    `Held back on prose, characters after each token: median ${held.median}, p99 ${held.p99}, most ${held.max}; ${(held.atOnceShare * 100).toFixed(0)} % of the tokens leave nothing held.`,
  ].join("\n");
}

function pinSelf(): Cores | null {
  const cores = chooseCores();
  try {
    if (cores !== null) pin(process.pid, cores.load);
    return cores;
  } catch {
    // A sandbox may allow to look but not to set.
    return null;
  }
}

function workerdVersion(): string {
  const path = createRequire(import.meta.url).resolve("workerd/package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

async function main(options: Options): Promise<void> {
  const buildDir = mkdtempSync(join(tmpdir(), "warmpath-bench-"));
  // Before anything is started, so that the endpoint inherits the core.
  const cores = pinSelf();
  const endpoint = await startEndpoint();
  let contenders: readonly Contender[] = [];
  try {
    const fresh = join(buildDir, "worker.js");
    if (options.bundlePath === null) await buildWorker({ outfile: fresh });
    contenders = await startAll(endpoint.url, options.bundlePath ?? fresh);
    if (cores !== null) for (const { workerd } of contenders) pin(workerd.pid, cores.gateway);
    for (const contender of contenders) await untilReady(contender);
    const machine = machineLine(workerdVersion());
    console.log(`Machine: ${machine}`);
    const busyBefore = cores === null ? null : coresBusyMs([cores.gateway, cores.load]);
    const figures = await measureAll(contenders, options);
    const held = heldBack(PROSE);
    console.log(report(figures, held, options.streams));
    if (busyBefore === null) console.log("Nothing was pinned: expect more noise.");
    if (options.jsonPath !== null)
      writeFileSync(options.jsonPath, `${JSON.stringify({ figures, held, machine, ...options }, null, 2)}\n`);
  } finally {
    for (const { workerd } of contenders) await workerd.kill();
    endpoint.close();
    rmSync(buildDir, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === null) console.log(usage);
    else await main(options);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
