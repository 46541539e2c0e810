/**
 * A whole Warmpath on this machine: simulated GPU endpoints in several regions and the built bundle on raw workerd.
 * Tests, the chaos run and the benchmarks start the same one.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { GpuSimulatorOptions } from "../../backends/gpu-simulator/options.ts";
import { startGpuSimulator } from "../../backends/gpu-simulator/server.ts";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { formatKey, keyHmac, toHex } from "../../src/wire/api-keys.ts";
import { startWorkerd } from "../../tools/cli/workerd.ts";
import type { Workerd } from "../../tools/cli/workerd.ts";
import type { Scope } from "../../src/config/config.ts";
import type { Priority } from "../../src/routing/core/shard/priority.ts";
import type { ShownEndpoint } from "../../src/wire/shard-status.ts";

export const BUNDLE = join(import.meta.dirname, "../../dist/worker.js");

export const REGIONS = {
  "us-east": { lat: 39.0, lon: -77.5, hint: "enam" },
  "eu-west": { lat: 50.1, lon: 8.7, hint: "weur" },
  "ap-northeast": { lat: 35.7, lon: 139.7, hint: "apac-ne" },
} as const;

export type EndpointPlan = {
  readonly id: string;
  readonly region: keyof typeof REGIONS;
  /** Its own entry of the config, laid over the defaults. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly simulator?: Partial<GpuSimulatorOptions>;
};

/** A further API key of the fleet. */
type KeyPlan = {
  readonly id: string;
  readonly scopes?: readonly Scope[];
  /** Default "tests". */
  readonly tenant?: string;
  readonly expiresAt?: string;
  readonly priorityMax?: Priority;
  /** As the config has them. */
  readonly limits?: Readonly<Record<string, unknown>>;
};

export type FleetPlan = {
  readonly model?: string;
  readonly keys?: readonly KeyPlan[];
  /** Under which keys and sessions are signed; default: a random one. */
  readonly pepper?: string;
  readonly endpoints: readonly EndpointPlan[];
  /** Laid over the pool's entry of the config. */
  readonly pool?: Readonly<Record<string, unknown>>;
  /** Pools beside the one that the endpoints belong to. */
  readonly morePools?: Readonly<Record<string, unknown>>;
  /** Laid over the config itself. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Further text bindings, such as endpoints' secrets. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** Default: the bundle that is deployed. */
  readonly bundlePath?: string;
  readonly stateDir?: string;
  readonly verbose?: boolean;
  /** Further isolates, which share the router's objects. */
  readonly siblings?: number;
  /** Opens V8's inspector (`heap.ts` reads it). */
  readonly inspect?: boolean;
  /** What runs the router instead of raw workerd, given the text bindings. */
  readonly runtime?: (bindings: Readonly<Record<string, string>>) => Promise<Workerd>;
};

type ShardReport = {
  readonly name: string;
  readonly reachable: boolean;
  readonly status: {
    readonly epoch: number;
    readonly liveLeases: number;
    readonly queued: number;
    readonly queuedBy?: Readonly<Record<Priority, number>>;
    readonly endpoints: readonly ShownEndpoint[];
  } | null;
};

export type Fleet = {
  /** Replaced by `crash`. */
  router: Workerd;
  /** May do everything. */
  readonly key: string;
  readonly pepper: string;
  /** One of the plan's further keys. */
  keyOf(id: string): string;
  readonly model: string;
  readonly simulators: ReadonlyMap<string, GpuSimulator>;
  simulator(id: string): GpuSimulator;
  /** `fetch` with the key, a path, and where the client is. An answer that is not read stays open until `close`. */
  call(path: string, init?: RequestInit & { readonly place?: string }): Promise<Response>;
  chat(options?: ChatOptions): Promise<Response>;
  shards(probe?: boolean): Promise<ShardReport[]>;
  liveLeases(): Promise<number>;
  /** Resolves when `done` says so; rejects after `limitMs` with what it last saw. */
  until<Seen>(look: () => Promise<Seen>, done: (seen: Seen) => boolean, limitMs?: number): Promise<Seen>;
  /** SIGKILL and a new process on the same state. */
  crash(): Promise<void>;
  close(): Promise<void>;
};

type ChatOptions = {
  /** Of the plan's keys. */
  readonly key?: string;
  readonly place?: string;
  readonly stream?: boolean;
  readonly maxTokens?: number;
  readonly content?: string;
  readonly signal?: AbortSignal;
};

export async function startFleet(plan: FleetPlan): Promise<Fleet> {
  const model = plan.model ?? "test-model";
  const pepper = plan.pepper ?? randomBytes(24).toString("base64");
  const keyPlans: readonly KeyPlan[] = [{ id: "test", scopes: ["infer", "admin"] }, ...(plan.keys ?? [])];
  const keys = new Map(keyPlans.map(({ id }) => [id, formatKey(id, randomBytes(32))]));
  const keyOf = (id: string): string => keys.get(id) ?? missing(id);
  const simulators = new Map<string, GpuSimulator>();
  for (const { id, simulator } of plan.endpoints) {
    simulators.set(id, await startGpuSimulator({ model, workerId: `${id}-w1`, ...simulator }));
  }
  const closeSimulators = async (): Promise<void> => {
    await Promise.all([...simulators.values()].map(async (simulator) => simulator.close()));
  };
  const keyEntries = keyPlans.map(
    async ({ id, scopes = ["infer"], tenant = "tests", expiresAt, priorityMax, limits }) => {
      const hmac = toHex(await keyHmac(keyOf(id), pepper));
      const given = {
        ...(expiresAt === undefined ? {} : { expiresAt }),
        ...(priorityMax && { priorityMax }),
        ...(limits && { limits }),
      };
      return { id, tenant, hmac, scopes, ...given };
    },
  );
  const config = { ...fleetConfig(plan, model, simulators), keys: await Promise.all(keyEntries), ...plan.config };
  const start = async (): Promise<Workerd> => {
    const own = { WARMPATH_CONFIG: JSON.stringify(config), WARMPATH_DEV: "1", WARMPATH_KEY_PEPPER: pepper };
    const bindings = { ...own, ...plan.bindings };
    if (plan.runtime !== undefined) return plan.runtime(bindings);
    return startWorkerd({
      bundlePath: plan.bundlePath ?? BUNDLE,
      bindings,
      ...(plan.stateDir === undefined ? {} : { stateDir: plan.stateDir }),
      verbose: plan.verbose ?? false,
      siblings: plan.siblings ?? 0,
      inspect: plan.inspect ?? false,
    });
  };
  const router = await start().catch(async (error: unknown) => {
    await closeSimulators();
    throw error;
  });
  /** A response that nobody refers to is closed by the garbage collector, and its slot with it. */
  const held: Response[] = [];
  const fleet: Fleet = {
    router,
    key: keyOf("test"),
    pepper,
    keyOf,
    model,
    simulators,
    simulator: (id) => simulators.get(id) ?? missing(id),
    async call(path, { place, ...init } = {}) {
      const headers = new Headers(init.headers);
      if (!headers.has("authorization")) headers.set("authorization", `Bearer ${fleet.key}`);
      if (place !== undefined) headers.set("x-warmpath-place", place);
      const response = await fetch(fleet.router.url + path, { ...init, headers });
      held.push(response);
      return response;
    },
    chat({ key = "test", place = "us-east", stream = false, maxTokens = 4, content = "hello", signal } = {}) {
      const body = { model, stream, max_tokens: maxTokens, messages: [{ role: "user", content }] };
      return fleet.call("/v1/chat/completions", {
        method: "POST",
        place,
        headers: { "content-type": "application/json", authorization: `Bearer ${keyOf(key)}` },
        body: JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      });
    },
    async shards(probe = false) {
      const response = await fleet.call(`/admin/fleet${probe ? "?probe=1" : ""}`);
      return ((await response.json()) as { shards: ShardReport[] }).shards;
    },
    async liveLeases() {
      // A shard that does not answer may hold any number.
      return (await fleet.shards()).reduce((sum, { status }) => sum + (status?.liveLeases ?? Infinity), 0);
    },
    until,
    async crash() {
      await fleet.router.kill();
      fleet.router = await start();
    },
    async close() {
      // Whatever still runs is of no interest any more: no time is given to end it.
      await fleet.router.kill();
      await closeSimulators();
    },
  };
  return fleet;
}

/** The plan as a config, without its keys. */
function fleetConfig(plan: FleetPlan, model: string, simulators: ReadonlyMap<string, GpuSimulator>) {
  const endpoints = plan.endpoints.map(({ id, region, config }) => ({
    id,
    region,
    backend: "openai",
    url: simulators.get(id)?.url,
    ...config,
  }));
  // The GPU simulator has paths that no engine has.
  const main = { models: [model], paths: ["*"], endpoints, ...plan.pool };
  return { regions: REGIONS, pools: { main, ...plan.morePools } };
}

function missing(id: string): never {
  throw new Error(`the plan has no "${id}"`);
}

/** Looks again until `done`: for states that no event announces. The limit only bounds a failing test. */
async function until<Seen>(look: () => Promise<Seen>, done: (seen: Seen) => boolean, limitMs = 10_000): Promise<Seen> {
  const giveUpAtMs = Date.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (done(seen)) return seen;
    if (Date.now() > giveUpAtMs) throw new Error(`still not so after ${limitMs} ms: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
