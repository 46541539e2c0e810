/**
 * Engines of one region that read prompts in batches, in virtual time: eight slots each, and a speed that is another one every
 * second or two, as on a machine that others use too. Nobody has told the router their slots or their speed. The same clients
 * through the router, round robin, and to whoever has least outstanding.
 */
import { describe, expect, test } from "vitest";
import {
  advance,
  createEngine,
  load,
  nextEventMs,
  setSlowdown,
  submit,
} from "../../../../backends/gpu-engine/engine-model.ts";
import type { EngineEvent } from "../../../../backends/gpu-engine/engine-types.ts";
import { endpointView } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { LIMIT_START } from "../../../../src/routing/core/endpoint/learned-limit.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import type { Rng } from "../../../../src/lib/rng.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { Effect } from "../../../../src/routing/core/shard/shard.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import type { Begun, Grant, Report, Settlement } from "../../../../src/routing/core/shard-messages.ts";
import { acquireRequest, endpointSpec, granted, poolSpec, settlement } from "./shard-fixture.ts";

const IDS = ["a", "b", "c"];
const CLIENTS = 12;
const RUN_MS = 40_000;
/** A message of the edge to the shard goes at least this often. */
const REPORT_MS = 50;
const TRIP_MS = 1;
const ANSWER_TOKENS = 16;
const ENGINE = {
  stepBaseMs: 3,
  stepPerDecodingMs: 1,
  stepPerPrefillTokenMs: 0.25,
  maxNumSeqs: 8,
  maxWaitingQueueLength: 1_000,
  kvTokensMax: 32_768,
  prefillChunkTokens: 2_048,
  timeFactorUnderLoad: 1,
  firstTokenMs: null,
  firstTokenStdDevMs: 0,
  stepStdDevMs: 0,
} as const;

type Sent = { readonly tokens: number; at: number; sentAtMs: number; grant: Grant | null; ttftMs: number };

/** Where a request goes; null: it waits, and its time comes in a later answer. */
type Way = {
  readonly choose: (id: string, tokens: number, now: number) => void;
  readonly ended: (event: EngineEvent, sent: Sent, now: number) => void;
  readonly tick: (now: number) => void;
};

type World = { readonly outstanding: number[]; readonly send: (id: string, at: number, grant?: Grant) => void };

const roundRobin = ({ send }: World): Way => {
  let next = 0;
  return { choose: (id) => send(id, next++ % IDS.length), ended: () => undefined, tick: () => undefined };
};

const leastOutstanding = ({ outstanding, send }: World): Way => ({
  choose: (id) => send(id, outstanding.indexOf(Math.min(...outstanding))),
  ended: () => undefined,
  tick: () => undefined,
});

const routed =
  (rng: Rng, seen: { slots: readonly number[] }) =>
  ({ send }: World): Way => {
    const endpoints = IDS.map((id) => endpointSpec({ id, concurrencyPerWorker: null, queuesExcess: true }));
    const state = createShard(poolSpec(endpoints, { queueDepthMax: CLIENTS, queueWaitMsMax: 60_000 }), "us", 1, 0);
    let settled: Settlement[] = [];
    let begun: (Omit<Begun, "agoMs"> & { readonly atMs: number })[] = [];
    const report = (now: number): Report => {
      const told = { settled, held: [], begun: begun.map(({ atMs, ...one }) => ({ ...one, agoMs: now - atMs })) };
      settled = [];
      begun = [];
      return told;
    };
    const go = (grant: Grant): void => send(grant.leaseId, IDS.indexOf(grant.endpointId), grant);
    const letGo = (effects: readonly Effect[], except: string | null): void => {
      for (const effect of effects) {
        if (effect.kind === "resolved" && effect.leaseId !== except)
          go(granted(state.resolved.get(effect.leaseId)?.outcome));
      }
    };
    return {
      choose: (id, inputTokens, now) => {
        const place = { client: null, clientKey: "unknown" };
        const asked = acquireRequest(id, { ...place, inputTokens, stream: true, carry: report(now) });
        const { reply, effects } = acquire(state, asked, now, rng);
        letGo(effects, id);
        if (reply.outcome.kind !== "queued") go(granted(reply.outcome));
      },
      ended: ({ kind, id: leaseId }, { at, tokens, sentAtMs, grant, ttftMs }, now) => {
        const endpointId = IDS[at] ?? "";
        if (kind === "first_token") {
          begun.push({ leaseId, endpointId, atMs: now, backMs: TRIP_MS / 2 });
          return;
        }
        const heldMs = now - sentAtMs + TRIP_MS;
        const inFlightAtGrant = grant?.inFlightAtGrant ?? 0;
        const told = { promptTokens: tokens, cachedTrue: 0, outputTokens: ANSWER_TOKENS, inputTokens: tokens };
        const timing = { headersMs: TRIP_MS, ttftMs, heldMs };
        settled.push(settlement({ leaseId, endpointId, clientKey: "unknown", inFlightAtGrant, ...told, ...timing }));
      },
      tick: (now) => {
        letGo(applyReport(state, report(now), now, rng), null);
        seen.slots = [...state.endpoints.values()].map((endpoint) => endpointView(endpoint, 0, now).capacity);
      },
    };
  };

type Run = { readonly served: readonly number[]; readonly idle: readonly number[] };

/** `speeds`: of the engines, usually; `everyMs`: how often each is slowed or sped up by a lognormal factor of `sigma`. */
type Machine = { readonly speeds: readonly number[]; readonly sigma: number; readonly everyMs: number };

/** Clients that each send their next request when the last one has ended. */
function run(wayOf: (world: World) => Way, seed: number, { speeds, sigma, everyMs }: Machine): Run {
  const [noise, lengths] = [seededRng(7 * seed + 1), seededRng(13 * seed + 5)];
  const engines = IDS.map(() => createEngine(ENGINE, { detail: "edges" }));
  const outstanding = IDS.map(() => 0);
  const served = IDS.map(() => 0);
  const idleMs = IDS.map(() => 0);
  const sent = new Map<string, Sent>();
  let [now, asked, nextReportMs, nextNoiseMs] = [0, 0, REPORT_MS, everyMs];
  const send: World["send"] = (id, at, grant = undefined) => {
    const request = sent.get(id);
    const engine = engines[at];
    if (request === undefined || engine === undefined) throw new Error(`nobody asked: ${id}`);
    Object.assign(request, { at, sentAtMs: now, grant: grant ?? null });
    outstanding[at] = (outstanding[at] ?? 0) + 1;
    submit(engine, { id, promptTokens: request.tokens, outputTokens: ANSWER_TOKENS }, now);
  };
  const way = wayOf({ outstanding, send });
  const ask = (): void => {
    const id = `edge-${asked++}`;
    const tokens = lengths() < 0.2 ? 3_280 : 830;
    sent.set(id, { tokens, at: 0, sentAtMs: now, grant: null, ttftMs: 0 });
    way.choose(id, tokens, now);
  };
  for (let client = 0; client < CLIENTS; client++) ask();
  while (now < RUN_MS) {
    const next = Math.min(nextReportMs, nextNoiseMs, ...engines.map((engine) => nextEventMs(engine) ?? RUN_MS));
    for (const [at, engine] of engines.entries()) {
      if (load(engine).running === 0) idleMs[at] = (idleMs[at] ?? 0) + next - now;
    }
    now = next;
    let ended = 0;
    for (const [at, engine] of engines.entries()) {
      for (const event of advance(engine, now)) {
        const request = sent.get(event.id);
        if (request === undefined) throw new Error("nobody asked");
        if (event.kind === "first_token") request.ttftMs = now - request.sentAtMs + TRIP_MS;
        way.ended(event, request, now);
        if (event.kind !== "done") continue;
        outstanding[at] = (outstanding[at] ?? 0) - 1;
        served[at] = (served[at] ?? 0) + 1;
        sent.delete(event.id);
        ended += 1;
      }
    }
    if (now >= nextNoiseMs) {
      nextNoiseMs += everyMs;
      for (const [at, engine] of engines.entries())
        setSlowdown(engine, lognormal(noise, sigma) / (speeds[at] ?? 1), now);
    }
    if (now >= nextReportMs) {
      nextReportMs += REPORT_MS;
      way.tick(now);
    }
    for (let client = 0; client < ended; client++) ask();
  }
  return { served, idle: idleMs.map((ms) => ms / RUN_MS) };
}

const lognormal = (rng: Rng, sigma: number): number =>
  Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng()));

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

/** Half of the seconds are slower or faster than 1.4 times. */
const SHARED = { sigma: 0.5, everyMs: 1_000 };

const SEEDS = [1, 2, 3, 4, 5, 6];

function compared(machine: Machine) {
  return SEEDS.map((seed) => {
    const seen: { slots: readonly number[] } = { slots: [] };
    const own = run(routed(seededRng(seed), seen), seed, machine);
    const [robin, least] = [run(roundRobin, seed, machine), run(leastOutstanding, seed, machine)];
    const [toRoundRobin, toLeast] = [robin, least].map((other) => sum(own.served) / sum(other.served));
    return { ...own, toRoundRobin: toRoundRobin ?? 0, toLeast: toLeast ?? 0, slots: seen.slots };
  });
}

describe("three engines", () => {
  test("that are equal serve as much as by least outstanding, none of them stands idle, and their slots stay", () => {
    const runs = compared({ ...SHARED, speeds: [1, 1, 1] });
    expect(mean(runs.map(({ toLeast }) => toLeast))).toBeGreaterThan(0.95);
    expect(mean(runs.map(({ toRoundRobin }) => toRoundRobin))).toBeGreaterThan(1.1);
    for (const { served, idle } of runs) {
      for (const count of served) expect(count / sum(served)).toBeGreaterThan(0.25);
      expect(Math.max(...idle)).toBeLessThan(0.08);
    }
    // An engine that has a line of prompts is not taken for one whose batch is too large.
    expect(mean(runs.flatMap(({ slots }) => slots))).toBeGreaterThan(LIMIT_START);
  });

  test("that stall for a second or two serve nearly as much as by least outstanding, which sees at once who does", () => {
    const runs = compared({ speeds: [1, 1, 1], sigma: 1.2, everyMs: 2_000 });
    expect(mean(runs.map(({ toLeast }) => toLeast))).toBeGreaterThan(0.93);
  });

  test("of which one is half as fast serve a fifth more than round robin, and nearly what least outstanding does", () => {
    const runs = compared({ ...SHARED, speeds: [0.5, 1, 1] });
    expect(mean(runs.map(({ toRoundRobin }) => toRoundRobin))).toBeGreaterThan(1.2);
    expect(mean(runs.map(({ toLeast }) => toLeast))).toBeGreaterThan(0.9);
    for (const { served } of runs) expect((served[0] ?? 0) / sum(served)).toBeLessThan(0.3);
  });
});
