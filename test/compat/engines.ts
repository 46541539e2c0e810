/**
 * `npm run test:engines`: three real llama.cpp servers with random weights behind the built bundle on raw workerd, and
 * the same load sent to them directly, round robin, and through a bare Worker that does the same, in turns. Shows that
 * nobody herds, what the router costs in requests a second, and that an engine's queue is not taken for distance. Where
 * the engines cannot be had it says so and exits 0: the same steps run in virtual time in
 * `test/routing/core/shard/equal-engines.test.ts`.
 *
 * The server is WARMPATH_LLAMA_SERVER, or comes with a Python package; the model is made by another. Options:
 * `--seconds 8` a window, `--rounds 5`, `--slots 1` an engine, `--told` for a router that is told them, else it learns.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cpuMsBetween, readCpu } from "../../bench/cpu.ts";
import type { CpuReading } from "../../bench/cpu.ts";
import { seededRng } from "../../src/lib/rng.ts";
import { startWorkerd } from "../../tools/cli/workerd.ts";
import type { Workerd } from "../../tools/cli/workerd.ts";
import { startFleet } from "../support/fleet.ts";
import { makeModel, mean, PACKAGES, startEngine, toolsIn } from "./engines-start.ts";
import type { Engine, Tools } from "./engines-start.ts";
import type { Fleet } from "../support/fleet.ts";

/** Some 100 ms an answer on one core. */
const MODEL = { layers: 4, width: 256 } as const;
const ENGINES = ["engine-a", "engine-b", "engine-c"] as const;
const CLIENTS = [4, 12] as const;

const SHARE_MIN = 0.25;
const SHARE_MAX = 0.42;
const RATE_MIN = 0.9;
const NET_MS_MAX = 20;

type Settings = {
  readonly seconds: number;
  readonly rounds: number;
  readonly slots: number;
  /** Is `concurrencyPerWorker` configured. */
  readonly told: boolean;
};

/** Sends one request and reads its answer; tells who gave it. */
type Send = (body: string) => Promise<string>;

function bodyOf(rng: () => number): string {
  const words = Array.from({ length: 8 + Math.floor(rng() * 16) }, () => Math.floor(rng() * 1e6).toString(26));
  const tokens = 40 + Math.floor(rng() * 80);
  const messages = [{ role: "user", content: words.join(" ") }];
  return JSON.stringify({ model: "test-model", stream: true, max_tokens: tokens, ignore_eos: true, messages });
}

async function readAnswer(response: Response, from: string): Promise<string> {
  const text = await response.text();
  if (response.status !== 200 || !text.includes("[DONE]")) throw new Error(`${response.status} from ${from}: ${text}`);
  return response.headers.get("x-warmpath-endpoint") ?? from;
}

function directly(engines: readonly Engine[]): Send {
  let next = 0;
  return async (body) => {
    const { id, url } = engines[next++ % engines.length] ?? { id: "", url: "" };
    const headers = { "content-type": "application/json" };
    const ask = async () => fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    // An engine closes a connection after so many requests, and one may be on its way then: a client asks again.
    return readAnswer(await ask().catch(ask), id);
  };
}

function through(fleet: Fleet): Send {
  const headers = { "content-type": "application/json" };
  return async (body) => readAnswer(await fleet.call("/v1/chat/completions", { method: "POST", headers, body }), "?");
}

/** CPU time for one answer, ms. Engines, router and clients share the cores, so requests/s falls with their sum. */
type Cpu = { readonly engines: number; readonly router: number; readonly clients: number };

type Window = { readonly perSecond: number; readonly served: ReadonlyMap<string, number>; readonly cpu: Cpu };

function readAll(pids: readonly number[]): readonly (CpuReading | null)[] {
  return pids.map(readCpu);
}

function cpuSince(before: readonly (CpuReading | null)[], pids: readonly number[]): number {
  const after = readAll(pids);
  return before.reduce((sum, reading, index) => sum + (cpuMsBetween(reading, after[index] ?? null) ?? Number.NaN), 0);
}

/** Passes on and decides nothing: what any gateway on this runtime costs. */
const BARE_SCRIPT = `let next = 0;
export default { fetch: (request, { ENGINES }) => {
  const urls = ENGINES.split(" ");
  const url = urls[next++ % urls.length] + "/v1/chat/completions";
  return fetch(url, request.clone()).catch(() => fetch(url, request));
} };`;

function throughBare({ url }: Workerd): Send {
  const headers = { "content-type": "application/json" };
  return async (body) => readAnswer(await fetch(url, { method: "POST", headers, body }), "?");
}

type Pids = { readonly engines: readonly number[]; readonly router: readonly number[] };

/** `clients` that each send their next request when the last one has ended. */
async function drive(
  send: Send,
  { engines, router }: Pids,
  { clients, ms, seed }: { readonly clients: number; readonly ms: number; readonly seed: number },
): Promise<Window> {
  const rng = seededRng(seed);
  const [enginesBefore, routerBefore, ownBefore] = [readAll(engines), readAll(router), readAll([process.pid])];
  const served = new Map<string, number>();
  const fromMs = performance.now();
  let count = 0;
  const client = async (): Promise<void> => {
    while (performance.now() - fromMs < ms) {
      const by = await send(bodyOf(rng));
      served.set(by, (served.get(by) ?? 0) + 1);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const cpu = {
    engines: cpuSince(enginesBefore, engines) / count,
    router: cpuSince(routerBefore, router) / count,
    clients: cpuSince(ownBefore, [process.pid]) / count,
  };
  return { perSecond: (count * 1_000) / (performance.now() - fromMs), served, cpu };
}

type Net = { readonly endpointId: string; readonly terms: { readonly net: number }; readonly netFrom: string };

async function netsOf(fleet: Fleet): Promise<readonly Net[]> {
  const answer = await fleet.call("/admin/explain", { method: "POST", body: JSON.stringify({ model: fleet.model }) });
  return ((await answer.json()) as { candidates: readonly Net[] }).candidates;
}

const spread = (values: readonly number[]): string =>
  `${mean(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;

function cpuLine(windows: readonly Window[]): string {
  const of = (part: keyof Cpu) => mean(windows.map(({ cpu }) => cpu[part])).toFixed(1);
  return `engines ${of("engines")}, router ${of("router")}, clients ${of("clients")}`;
}

/** What is not as it should be, in words. */
async function measure(
  fleet: Fleet,
  engines: readonly Engine[],
  bare: Workerd,
  clients: number,
  { seconds, rounds }: Settings,
): Promise<string[]> {
  const direct: Window[] = [];
  const routed: Window[] = [];
  const passed: Window[] = [];
  const enginePids = engines.flatMap(({ child }) => child.pid ?? []);
  const ways = [
    { send: directly(engines), into: direct, router: [] },
    { send: through(fleet), into: routed, router: [fleet.router.pid] },
    { send: throughBare(bare), into: passed, router: [bare.pid] },
  ];
  const served = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    // Who is first alternates: a machine that warms up or is disturbed must not favour any.
    for (let turn = 0; turn < ways.length; turn++) {
      const way = ways[(round + turn) % ways.length];
      if (way === undefined) continue;
      const pids = { engines: enginePids, router: way.router };
      way.into.push(await drive(way.send, pids, { clients, ms: seconds * 1_000, seed: 100 * clients + round }));
    }
  }
  for (const own of routed) for (const [id, count] of own.served) served.set(id, (served.get(id) ?? 0) + count);
  const total = [...served.values()].reduce((sum, count) => sum + count, 0);
  const shares = engines.map(({ id }) => (served.get(id) ?? 0) / total);
  const ratiosOf = (windows: readonly Window[]) =>
    windows.map(({ perSecond }, round) => perSecond / (direct[round]?.perSecond ?? Number.NaN));
  const ratios = ratiosOf(routed);
  const nets = await netsOf(fleet);
  console.log(`${clients} clients, ${total} requests through the router in ${rounds} rounds of ${seconds} s`);
  console.log(`  shares: ${shares.map((share) => `${(100 * share).toFixed(0)} %`).join(", ")}`);
  const rates = (windows: readonly Window[]) => spread(windows.map(({ perSecond }) => perSecond));
  console.log(`  requests/s: ${rates(routed)}; directly, round robin: ${rates(direct)}; ratio ${spread(ratios)}`);
  console.log(`  a bare Worker, round robin: ${rates(passed)}; ratio ${spread(ratiosOf(passed))}`);
  console.log(`  CPU ms an answer: ${cpuLine(routed)}; bare: ${cpuLine(passed)}; directly: ${cpuLine(direct)}`);
  console.log(`  net: ${nets.map(({ terms, netFrom }) => `${terms.net.toFixed(1)} ms (${netFrom})`).join(", ")}`);
  const unfair = shares.some((share) => share < SHARE_MIN || share > SHARE_MAX);
  const far = nets.some(({ terms }) => terms.net >= NET_MS_MAX);
  return [
    ...(unfair ? [`${clients} clients: a share is not within ${SHARE_MIN} and ${SHARE_MAX}`] : []),
    ...(mean(ratios) < RATE_MIN ? [`${clients} clients: less than ${RATE_MIN} of round robin's requests/s`] : []),
    ...(far ? [`${clients} clients: a round trip on this machine of ${NET_MS_MAX} ms and more`] : []),
  ];
}

async function check({ python, server }: Tools, folder: string, settings: Settings): Promise<string[]> {
  const model = makeModel(python, folder, MODEL);
  const engines: Engine[] = [];
  let fleet: Fleet | null = null;
  let bare: Workerd | null = null;
  try {
    const context = 1_024 * settings.slots;
    for (const id of ENGINES) engines.push(await startEngine(id, { server, model, slots: settings.slots, context }));
    fleet = await startFleet({
      endpoints: engines.map(({ id, url }) => {
        const config = settings.told ? { url, concurrencyPerWorker: settings.slots } : { url };
        return { id, region: "us-east", config };
      }),
    });
    bare = await startWorkerd({ script: BARE_SCRIPT, bindings: { ENGINES: engines.map(({ url }) => url).join(" ") } });
    const problems: string[] = [];
    for (const clients of CLIENTS) problems.push(...(await measure(fleet, engines, bare, clients, settings)));
    return problems;
  } finally {
    await fleet?.close();
    await bare?.stop();
    for (const { child } of engines) child.kill("SIGKILL");
  }
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "8" },
    rounds: { type: "string", default: "5" },
    slots: { type: "string", default: "1" },
    told: { type: "boolean", default: false },
  },
});
const settings = {
  seconds: Number(values.seconds),
  rounds: Number(values.rounds),
  slots: Number(values.slots),
  told: values.told,
};
const folder = mkdtempSync(join(tmpdir(), "warmpath-engines-"));
try {
  const tools = toolsIn(folder);
  if (tools === null) console.log(`skipped: Python with the packages ${PACKAGES.join(" and ")} cannot be had here`);
  else {
    const problems = await check(tools, folder, settings);
    for (const problem of problems) console.log(`FAIL ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
