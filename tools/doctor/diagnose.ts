/**
 * Decides what is unwise in a config that is right: the checklist for production, development and low cost, item by item.
 *
 * Model. One function per item, each from the config alone, so that every item has a name, a reason and a fix, and can be
 * tested by one config that fails it. What a check would have to know and nobody told is a note ("not known is not
 * good"), never a pass. Ranges: docs/how-to/check-a-fleet.md, which says where they are from.
 */
import { runpodIdOf } from "../../src/config/config-resolve.ts";
import type { EndpointConfig, PoolConfig, Config } from "../../src/config/config.ts";

export const PROFILES = ["production", "development", "cost"] as const;
export type Profile = (typeof PROFILES)[number];

type Level = "error" | "warning" | "note";

export type Finding = {
  /** Stable: what a script looks for. */
  readonly name: string;
  readonly level: Level;
  /** As in the config: "pools.llama.endpoints[0]". */
  readonly where: string;
  readonly reason: string;
  readonly fix: string;
};

/** What of the file the resolved config no longer tells: which members were written. */
export type Written = {
  readonly pools?: Readonly<Record<string, { readonly endpoints?: readonly Readonly<Record<string, unknown>>[] }>>;
};

export type Question = {
  readonly config: Config;
  readonly written: Written;
  readonly profile: Profile;
  /** Requests at once that each pool is to take; null: nobody said. */
  readonly concurrency: number | null;
  /** Values of secrets that were found in the text, as places. */
  readonly secretsAt: readonly string[];
  /** When this very config was tried, epoch ms; null: never, as far as is known. */
  readonly testedAtMs: number | null;
};

/** Seconds, both included. */
type Range = { readonly from: number; readonly to: number };

const IDLE_S: Readonly<Record<Profile, { readonly balanced: Range; readonly queued: Range }>> = {
  production: { balanced: { from: 1_200, to: 1_800 }, queued: { from: 900, to: 1_800 } },
  development: { balanced: { from: 300, to: 300 }, queued: { from: 300, to: 300 } },
  cost: { balanced: { from: 300, to: 600 }, queued: { from: 300, to: 600 } },
};

const DEVELOPMENT_WORKERS_MAX = 3;
/** Billions of parameters from which weights are tens of gigabytes, and a download outlasts a cold start. */
const LARGE_MODEL_BILLIONS = 30;

type Place = {
  readonly pool: PoolConfig;
  readonly endpoint: EndpointConfig;
  readonly where: string;
  readonly written: Readonly<Record<string, unknown>>;
};

/** Errors first, then in the order of the file. */
export function diagnose(question: Question): readonly Finding[] {
  const places = placesOf(question);
  const found = [
    ...question.secretsAt.map(secretWritten),
    ...[...question.config.pools.values()].flatMap((pool) => poolFindings(pool, question)),
    ...places.flatMap((place) => endpointFindings(place, question)),
    ...tested(question),
  ];
  const rank: Readonly<Record<Level, number>> = { error: 0, warning: 1, note: 2 };
  return found.toSorted((one, other) => rank[one.level] - rank[other.level]);
}

export const hasErrors = (findings: readonly Finding[]): boolean => findings.some(({ level }) => level === "error");

function placesOf({ config, written }: Question): readonly Place[] {
  return [...config.pools.values()].flatMap((pool) =>
    pool.endpoints.map((endpoint, index) => ({
      pool,
      endpoint,
      where: `pools.${pool.id}.endpoints[${index}]`,
      written: written.pools?.[pool.id]?.endpoints?.[index] ?? {},
    })),
  );
}

function poolFindings(pool: PoolConfig, { profile, concurrency }: Question): readonly Finding[] {
  const where = `pools.${pool.id}`;
  if (pool.endpoints.length === 0) return [];
  const found: Finding[] = [];
  if (profile === "production" && pool.endpoints.every(({ workersMin }) => workersMin === 0)) {
    found.push({
      name: "no_warm_worker",
      level: "error",
      where,
      reason: "every endpoint scales to zero, so a request after a pause waits 20 to 90 s for a cold start",
      fix: 'write "workers": { "min": 1, … } at one endpoint at least',
    });
  }
  return [...found, ...roomFindings(pool, where, concurrency)];
}

/** `workers.max` against what is expected. */
function roomFindings(pool: PoolConfig, where: string, concurrency: number | null): readonly Finding[] {
  if (concurrency === null) {
    const reason = "how many requests come at once is not known, so workers.max was not checked against it";
    return [{ name: "concurrency_unknown", level: "note", where, reason, fix: "say it: --concurrency 200" }];
  }
  const unknown = pool.endpoints
    .filter(({ concurrencyPerWorker }) => concurrencyPerWorker === null)
    .map(({ id }) => id);
  const room = pool.endpoints.reduce(
    (sum, { workersMax, concurrencyPerWorker }) => sum + workersMax * (concurrencyPerWorker ?? 0),
    0,
  );
  if (room >= concurrency) return [];
  if (unknown.length > 0) {
    const reason = `${concurrency} requests at once are expected; what a GPU worker of ${unknown.join(", ")} takes is learned, and not known here`;
    return [
      {
        name: "room_unknown",
        level: "note",
        where,
        reason,
        fix: 'write "concurrencyPerWorker" where you know the engine\'s batch',
      },
    ];
  }
  return [
    {
      name: "workers_max_low",
      level: "error",
      where,
      reason: `${concurrency} requests at once are expected, and its GPU workers take ${room} at most`,
      fix: 'raise "workers.max", or add an endpoint',
    },
  ];
}

function endpointFindings(place: Place, question: Question): readonly Finding[] {
  return CHECKS.flatMap((check) => check(place, question));
}

type Check = (place: Place, question: Question) => readonly Finding[];

const isServerless = ({ backend }: EndpointConfig): boolean => backend === "runpod-lb";

const gpuTypes: Check = ({ endpoint, where }) => {
  if (!isServerless(endpoint)) return [];
  const isAny = endpoint.gpu.some((name) => /^any$/i.test(name));
  if (endpoint.gpu.length > 0 && !isAny) return [];
  return [
    {
      name: "gpu_any",
      level: "error",
      where,
      reason: isAny
        ? '"any" GPU may be one that the model does not fit, or half as fast'
        : "no GPU type is named, so any may be given",
      fix: 'name them: "gpu": ["NVIDIA_GEFORCE_RTX_4090"]',
    },
  ];
};

const minimum: Check = ({ endpoint, pool, where }, { profile }) => {
  const finding = { name: "workers_min", where } as const;
  if (profile === "cost" && endpoint.workersMin > 0 && isServerless(endpoint)) {
    const reason = `${endpoint.workersMin} GPU workers are paid for around the clock`;
    return [{ ...finding, level: "warning", reason, fix: 'write "workers": { "min": 0, … }' }];
  }
  const others = pool.endpoints.some(({ workersMin }) => workersMin > 0);
  if (profile !== "production" || endpoint.workersMin > 0 || !others) return [];
  const reason = "it scales to zero: what spills to it first waits for a cold start";
  return [{ ...finding, level: "warning", reason, fix: 'write "workers": { "min": 1, … }, or keep it as overflow' }];
};

const maximum: Check = ({ endpoint, where }, { profile }) => {
  if (profile !== "development" || !isServerless(endpoint) || endpoint.workersMax <= DEVELOPMENT_WORKERS_MAX) return [];
  const reason = `${endpoint.workersMax} GPU workers may be started while somebody tries something`;
  return [
    {
      name: "workers_max_high",
      level: "warning",
      where,
      reason,
      fix: `write "workers": { "max": ${DEVELOPMENT_WORKERS_MAX} } or less`,
    },
  ];
};

const idle: Check = ({ endpoint, pool, where }, { profile }) => {
  if (!isServerless(endpoint)) return [];
  const { from, to } = IDLE_S[profile][pool.jobs?.pull === true ? "queued" : "balanced"];
  const seconds = endpoint.idleTimeoutMs / 1_000;
  if (seconds >= from && seconds <= to) return [];
  const range = from === to ? `${from}` : `${from} to ${to}`;
  const reason = `a GPU worker that is idle for ${seconds} s is given up; for ${profile} ${range} s are right`;
  const level = profile === "production" && seconds < from ? "error" : "warning";
  return [
    {
      name: "idle_timeout",
      level,
      where,
      reason,
      fix: `write "idleTimeoutSeconds": ${from}${from === to ? "" : ` to ${to}`}`,
    },
  ];
};

const execution: Check = ({ where, written }) =>
  written["executionTimeoutMs"] === undefined
    ? [
        {
          name: "execution_timeout_unset",
          level: "warning",
          where,
          reason: "the longest time of an attempt is the default, 300 s: what hangs holds its slot as long",
          fix: 'write "executionTimeoutMs", the longest answer that you expect',
        },
      ]
    : [];

const volume: Check = ({ endpoint, pool, where, written }) => {
  if (!isServerless(endpoint)) return [];
  const provider = written["provider"] as { readonly networkVolumes?: readonly unknown[] } | undefined;
  if ((provider?.networkVolumes?.length ?? 0) > 0) return [];
  const billions = Math.max(0, ...[...pool.models, ...namesThere(endpoint)].map(sizeIn));
  if (billions < LARGE_MODEL_BILLIONS) return [];
  return [
    {
      name: "no_network_volume",
      level: "warning",
      where,
      reason: `a model of ${billions} billion parameters is downloaded at every cold start`,
      fix: 'keep it on a network volume, and name that: "provider": { "networkVolumes": ["…"] }',
    },
  ];
};

/** What the endpoint itself calls its models, where the config says so. */
export const namesThere = ({ model }: EndpointConfig): readonly string[] =>
  typeof model === "string" ? [model] : Object.values(model ?? {});

/** "Llama-3.1-70B", "mixtral-8x22b": billions of parameters by the name; 0: it does not say. */
export function sizeIn(name: string): number {
  const [, times, size] = /(?:^|[^a-z0-9])(?:(\d{1,2})x)?(\d{1,4}(?:\.\d+)?)b(?![a-z0-9])/i.exec(name) ?? [];
  return size === undefined ? 0 : Number(size) * Number(times ?? 1);
}

const health: Check = ({ endpoint, where }) => {
  if (!isServerless(endpoint) || runpodIdOf(endpoint.health.url) === null) return [];
  const reason =
    "its health is asked through the load balancer, which waits up to 2 minutes for a GPU worker and wakes one";
  return [
    { name: "health_wakes", level: "error", where, reason, fix: 'leave "health" out: Runpod\'s API is asked then' },
  ];
};

const CHECKS: readonly Check[] = [gpuTypes, minimum, maximum, idle, execution, volume, health];

const secretWritten = (where: string): Finding => ({
  name: "secret_written",
  level: "error",
  where,
  reason: "a secret is written in the file, which is copied, committed and shown",
  fix: 'put it into the environment and write its name: "auth": { "secret": "NAME" }',
});

function tested({ testedAtMs, profile }: Question): readonly Finding[] {
  if (testedAtMs !== null || profile === "development") return [];
  const reason = "this config has not been tried on this machine since it was changed";
  return [
    {
      name: "not_tested",
      level: "warning",
      where: "",
      reason,
      fix: "warmpath doctor --live asks every endpoint and sends one token",
    },
  ];
}
