/**
 * `npm run test:engines:work`: what the router knows of real engines, held against them. Three llama.cpp servers with
 * random weights; every figure is a ratio within one run, because a shared machine is another one a minute later.
 *
 * 1. Cached share: conversations without a session's name, led by their text alone, against the same led by hand to one
 *    engine each. 2. Three equal engines, then one at half the speed in the place of one of them: requests a second,
 *    first tokens and shares through the router against direct round robin and direct least outstanding, in turns.
 * 3. The time to the first token that the router expected against what came, and the reading speed that it learned against
 *    the engines' own counters. Where the engines cannot be had it says so and exits 0. `--seconds 3` a window, `--rounds 7`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seededRng } from "../../src/lib/rng.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { makeModel, mean, PACKAGES, quantile, startEngine, toolsIn } from "./engines-start.ts";
import type { Engine } from "./engines-start.ts";

const MODEL = { layers: 2, width: 128 } as const;
const ENGINES = ["engine-a", "engine-b", "engine-c"] as const;
const SLOTS = 8;
const CONTEXT = 4_096 * SLOTS;
const CLIENTS = 12;
const SESSIONS = 9;
const TURNS = 6;
/** Twice the work a token. An engine that is stopped half of the time is no slower where the cores are shared anyway. */
const SLOW_MODEL = { layers: 2 * MODEL.layers, width: MODEL.width };

const CACHED_MIN = 0.97;
const EQUAL_RATE_MIN = 0.95;
const UNEQUAL_RATE_MIN = 1.2;

type Message = { readonly role: string; readonly content: string };
type Answered = {
  readonly by: string;
  readonly ttftMs: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly text: string;
  /** The router's own sum for it, ms; null where it was not asked. */
  readonly expectedMs: number | null;
};
type Send = (messages: readonly Message[], session: number) => Promise<Answered>;

const words = (rng: () => number, chars: number): string => {
  let text = "";
  while (text.length < chars) text += `${Math.floor(rng() * 1e6).toString(26)} `;
  return text;
};

const bodyOf = (messages: readonly Message[], tokens: number): string =>
  JSON.stringify({ model: "test-model", stream: true, max_tokens: tokens, ignore_eos: true, messages });

async function readStream(response: Response, sentAtMs: number, from: string): Promise<Answered> {
  if (response.status !== 200 || response.body === null)
    throw new Error(`${response.status} from ${from}: ${await response.text()}`);
  let text = "";
  let ttftMs = Number.NaN;
  const decoder = new TextDecoder();
  for await (const piece of response.body) {
    text += decoder.decode(piece, { stream: true });
    if (Number.isNaN(ttftMs) && /"content":"[^"]/.test(text)) ttftMs = performance.now() - sentAtMs;
  }
  const found = /"timings":(\{[^}]*\})/.exec(text)?.[1];
  if (found === undefined || !text.includes("[DONE]"))
    throw new Error(`no whole answer from ${from}: ${text.slice(-300)}`);
  const { cache_n, prompt_n } = JSON.parse(found) as { readonly cache_n: number; readonly prompt_n: number };
  const content = [...text.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)].map(
    ([, part]) => JSON.parse(part ?? '""') as string,
  );
  const decision = response.headers.get("x-warmpath-decision");
  return {
    by: response.headers.get("x-warmpath-endpoint") ?? from,
    ttftMs,
    promptTokens: cache_n + prompt_n,
    cachedTokens: cache_n,
    text: content.join(""),
    expectedMs: decision === null ? null : expectedIn(decision),
  };
}

type Row = { readonly endpoint: string; readonly totalMs?: number; readonly terms: Readonly<Record<string, number>> };

function expectedIn(decision: string): number | null {
  const { chosen, candidates } = JSON.parse(decision) as {
    readonly chosen: string;
    readonly candidates: readonly Row[];
  };
  const row = candidates.find(({ endpoint }) => endpoint === chosen);
  return row === undefined ? null : Object.values(row.terms).reduce((sum, term) => sum + term, 0);
}

const json = { "content-type": "application/json" };

function directly(engines: readonly Engine[], choose: (session: number) => number, tokens: number): Send {
  const outstanding = engines.map(() => 0);
  const least = (): number => outstanding.indexOf(Math.min(...outstanding));
  return async (messages, session) => {
    const chosen = choose(session);
    const at = chosen === -1 ? least() : chosen % engines.length;
    const { id, url } = engines[at] ?? { id: "", url: "" };
    outstanding[at] = (outstanding[at] ?? 0) + 1;
    try {
      const sentAtMs = performance.now();
      const ask = async () =>
        fetch(`${url}/v1/chat/completions`, { method: "POST", headers: json, body: bodyOf(messages, tokens) });
      // An engine closes a connection after so many requests, and one may be on its way then: a client asks again.
      return await readStream(await ask().catch(ask), sentAtMs, id);
    } finally {
      outstanding[at] = (outstanding[at] ?? 0) - 1;
    }
  };
}

function roundRobin(engines: readonly Engine[], tokens: number): Send {
  let next = 0;
  return directly(engines, () => next++, tokens);
}

function through(fleet: Fleet, tokens: number, explained = false): Send {
  const headers = explained ? { ...json, "x-warmpath-explain": "1" } : json;
  return async (messages) => {
    const sentAtMs = performance.now();
    const init = { method: "POST", headers, body: bodyOf(messages, tokens) };
    return readStream(await fleet.call("/v1/chat/completions", init), sentAtMs, "router");
  };
}

/** Conversations that nobody names, three at a time; the share of their prompts that was cached. */
async function cachedShare(send: Send, seed: number): Promise<number> {
  const rng = seededRng(seed);
  const system = { role: "system", content: words(rng, 700) };
  let [cached, all, next] = [0, 0, 0];
  const talks = Array.from({ length: SESSIONS }, () => [system, { role: "user", content: words(rng, 900) }]);
  const turns = Array.from({ length: SESSIONS * TURNS }, (_, at) => at % SESSIONS);
  const client = async (): Promise<void> => {
    for (let at = turns[next++]; at !== undefined; at = turns[next++]) {
      const messages = talks[at] ?? [];
      const answer = await send(messages, at);
      cached += answer.cachedTokens;
      all += answer.promptTokens;
      messages.push({ role: "assistant", content: answer.text }, { role: "user", content: words(rng, 150) });
    }
  };
  await Promise.all(Array.from({ length: 3 }, client));
  return cached / all;
}

type Window = { readonly perSecond: number; readonly ttfts: readonly number[]; readonly answers: readonly Answered[] };

/** Clients that each send their next request, of new text, when the last one has ended. */
async function drive(send: Send, ms: number, seed: number): Promise<Window> {
  const rng = seededRng(seed);
  const answers: Answered[] = [];
  const fromMs = performance.now();
  const client = async (): Promise<void> => {
    while (performance.now() - fromMs < ms) {
      const chars = rng() < 0.2 ? 2_400 : 600;
      answers.push(await send([{ role: "user", content: words(rng, chars) }], 0));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const perSecond = (answers.length * 1_000) / (performance.now() - fromMs);
  return { perSecond, ttfts: answers.map(({ ttftMs }) => ttftMs), answers };
}

type Settings = { readonly seconds: number; readonly rounds: number };

/** Requests a second through the router, by those of each direct way. */
async function compare(
  name: string,
  fleet: Fleet,
  engines: readonly Engine[],
  { seconds, rounds }: Settings,
): Promise<{ readonly toRoundRobin: number; readonly toBest: number; readonly routed: readonly Answered[] }> {
  const ways = [
    { name: "router", send: through(fleet, 16), windows: [] as Window[] },
    { name: "round robin", send: roundRobin(engines, 16), windows: [] as Window[] },
    { name: "least outstanding", send: directly(engines, () => -1, 16), windows: [] as Window[] },
  ] as const;
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const way = ways[(round + turn) % ways.length];
      way?.windows.push(await drive(way.send, seconds * 1_000, 100 + round));
    }
  }
  console.log(name);
  for (const { name: way, windows } of ways) {
    const ttfts = windows.flatMap((window) => window.ttfts);
    const answers = windows.flatMap((window) => window.answers);
    const shares = engines.map(({ id }) => answers.filter(({ by }) => by === id).length / answers.length);
    const rate = mean(windows.map(({ perSecond }) => perSecond)).toFixed(1);
    const [p50, p95] = [quantile(ttfts, 0.5), quantile(ttfts, 0.95)].map((value) => value.toFixed(0));
    const of = shares.map((share) => `${(100 * share).toFixed(0)} %`).join(", ");
    console.log(`  ${way}: ${rate} requests/s, first token p50 ${p50}, p95 ${p95} ms, shares ${of}`);
  }
  const ratios = ([1, 2] as const).map((at) =>
    ways[0].windows.map(({ perSecond }, round) => perSecond / (ways[at].windows[round]?.perSecond ?? Number.NaN)),
  );
  // Of rounds in which the machine was another one each time the middle one says most.
  const [toRoundRobin = Number.NaN, toLeast = Number.NaN] = ratios.map((of) => quantile(of, 0.5));
  const [ofRobin, ofLeast] = ratios.map((of) => `${Math.min(...of).toFixed(2)} to ${Math.max(...of).toFixed(2)}`);
  const robin = `${toRoundRobin.toFixed(2)} (${ofRobin ?? ""})`;
  console.log(
    `  requests/s by round robin's ${robin}, by least outstanding's ${toLeast.toFixed(2)} (${ofLeast ?? ""})`,
  );
  // Apart: an explained decision is the shard's each time, and costs its CPU.
  const { answers: routed } = await drive(through(fleet, 16, true), seconds * 1_000, 999);
  return { toRoundRobin, toBest: Math.min(toRoundRobin, toLeast), routed };
}

function printExpected(name: string, answers: readonly Answered[]): void {
  const pairs = answers.flatMap(({ expectedMs, ttftMs }) => (expectedMs === null ? [] : [{ expectedMs, ttftMs }]));
  const errors = pairs.map(({ expectedMs, ttftMs }) => Math.abs(expectedMs - ttftMs));
  const ratios = pairs.map(({ expectedMs, ttftMs }) => expectedMs / ttftMs);
  const p = (values: readonly number[], digits: number) =>
    [0.5, 0.9].map((share) => quantile(values, share).toFixed(digits)).join(" / ");
  console.log(`  ${name}: |expected − measured| p50 / p90 ${p(errors, 0)} ms, expected by measured ${p(ratios, 2)}`);
}

async function printSpeeds(fleet: Fleet, engines: readonly Engine[]): Promise<void> {
  const shards = await fleet.shards(false);
  const views = shards.flatMap(({ status }) => status?.endpoints ?? []);
  for (const { id, url } of engines) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const of = (name: string) => Number(new RegExp(`^llamacpp:${name} (\\S+)`, "m").exec(text)?.[1]);
    const own = of("prompt_tokens_total") / of("prompt_seconds_total") / 1_000;
    const learned = views.find((view) => view.id === id)?.prefillTokensPerMs ?? Number.NaN;
    console.log(`  ${id} reads ${own.toFixed(2)} tokens/ms by its own counters, ${learned.toFixed(2)} by the router`);
  }
}

type Tried = { readonly engines: readonly Engine[]; readonly fleet: Fleet };

const fleetOf = async (engines: readonly Engine[]): Promise<Fleet> =>
  startFleet({ endpoints: engines.map(({ id, url }) => ({ id, region: "us-east", config: { url } })) });

async function checkEqual({ engines, fleet }: Tried, settings: Settings): Promise<string[]> {
  // What a token is in bytes is learned from answers; before that half of these prompts are taken for short.
  await drive(through(fleet, 4), 3_000, 1);
  const sticky = await cachedShare(
    directly(engines, (session) => session, 12),
    7,
  );
  const byPrefix = await cachedShare(through(fleet, 12), 8);
  console.log(`cached share of the prompts: ${byPrefix.toFixed(3)} by prefix alone, ${sticky.toFixed(3)} sticky`);
  const { toBest, routed } = await compare("three equal engines", fleet, engines, settings);
  printExpected("first tokens", routed);
  await printSpeeds(fleet, engines);
  return [
    ...(byPrefix < CACHED_MIN * sticky ? [`cached by prefix less than ${CACHED_MIN} of sticky`] : []),
    ...(toBest < EQUAL_RATE_MIN ? [`among equals less than ${EQUAL_RATE_MIN} of the best's requests/s`] : []),
  ];
}

async function checkUnequal({ engines, fleet }: Tried, settings: Settings): Promise<string[]> {
  await drive(through(fleet, 4), 3_000, 1);
  const { toRoundRobin, routed } = await compare("one of three at half the speed", fleet, engines, settings);
  printExpected("first tokens", routed);
  await printSpeeds(fleet, engines);
  const isEnough = toRoundRobin >= UNEQUAL_RATE_MIN;
  return isEnough ? [] : [`among unequals less than ${UNEQUAL_RATE_MIN} × round robin's requests/s`];
}

async function check(python: string, server: string, folder: string, settings: Settings): Promise<string[]> {
  const engines: Engine[] = [];
  const fleets: Fleet[] = [];
  const start = async (id: string, model: string): Promise<Engine> => {
    const engine = await startEngine(id, { server, model, slots: SLOTS, context: CONTEXT });
    engines.push(engine);
    return engine;
  };
  try {
    const model = makeModel(python, folder, MODEL);
    const equal = [];
    for (const id of ENGINES) equal.push(await start(id, model));
    const fleet = await fleetOf(equal);
    fleets.push(fleet);
    const problems = await checkEqual({ engines: equal, fleet }, settings);
    const [first, ...rest] = equal;
    first?.child.kill("SIGKILL");
    const unequal = [await start("engine-slow", makeModel(python, folder, SLOW_MODEL)), ...rest];
    const other = await fleetOf(unequal);
    fleets.push(other);
    return [...problems, ...(await checkUnequal({ engines: unequal, fleet: other }, settings))];
  } finally {
    for (const fleet of fleets) await fleet.close();
    for (const { child } of engines) child.kill("SIGKILL");
  }
}

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "3" }, rounds: { type: "string", default: "7" } },
});
const folder = mkdtempSync(join(tmpdir(), "warmpath-engines-"));
try {
  const tools = toolsIn(folder);
  if (tools === null) console.log(`skipped: Python with the packages ${PACKAGES.join(" and ")} cannot be had here`);
  else {
    const settings = { seconds: Number(values.seconds), rounds: Number(values.rounds) };
    const problems = await check(tools.python, tools.server, folder, settings);
    for (const problem of problems) console.log(`FAIL ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
