/**
 * Decides what has to change at Runpod so that its endpoints are as the config says: one change an endpoint, each member
 * with what it is, what it is to be, and whether GPU workers are made anew for it.
 *
 * Model. What the config does not say is left as it is there, so a plan of an unchanged config is empty, whatever was set by
 * hand beside it; an endpoint that the config does not name is told and never touched. Settings of the scaler hold at once;
 * what the container is made of is a new release, for which workers are replaced.
 * Source: Runpod's REST API v2 (docs/reference/sources.md): PATCH changes only what it names; `type` is fixed; a load
 * balancer takes no scaler but REQUEST_COUNT; `idleTimeout` is refused for a queue that scales by it.
 * Rejected: a state file of our own, as other tools keep: the provider's answer is the state, and nothing can go stale.
 */
import { runpodIdOf } from "../../src/config/config-resolve.ts";
import type { EndpointConfig } from "../../src/config/config.ts";

type Env = Readonly<Record<string, string | { readonly secret: string }>>;

/** `endpoints[].provider`, as it is written. */
export type Provider = {
  readonly name?: string;
  readonly image?: string;
  readonly templateId?: string;
  readonly gpuPools?: readonly string[];
  readonly gpuCount?: number;
  readonly minCudaVersion?: string;
  readonly dataCenterIds?: readonly string[];
  readonly networkVolumes?: readonly string[];
  readonly scaler?: { readonly type: "REQUEST_COUNT" | "QUEUE_DELAY"; readonly value: number };
  readonly flashboot?: string;
  readonly diskGb?: number;
  readonly env?: Env;
};

type Scaling =
  | { readonly type: "REQUEST_COUNT"; readonly requestCount: number }
  | { readonly type: "QUEUE_DELAY"; readonly queueDelay: number };

/** An endpoint as the provider tells of it, as far as it matters here. */
export type Actual = {
  readonly id: string;
  readonly name: string;
  readonly type?: "QUEUE" | "LOAD_BALANCER";
  readonly image?: string;
  readonly gpu?: {
    readonly pools: readonly string[];
    readonly count?: number;
    readonly minCudaVersion?: string | null;
  } | null;
  readonly workers: { readonly min: number; readonly max: number; readonly idleTimeout?: number };
  readonly scaling: Scaling;
  readonly dataCenterIds: readonly string[];
  readonly networkVolumes: readonly string[];
  readonly timeout: number;
  readonly flashboot: string;
  readonly disk?: number;
  readonly env?: Readonly<Record<string, string>>;
};

export type Wanted = { readonly endpoint: EndpointConfig; readonly provider: Provider };

type Diff = {
  readonly member: string;
  /** As text; null: it is not set. A secret's value is never in it. */
  readonly from: string | null;
  readonly to: string;
  /** `settings`: holds at once. `workers`: GPU workers are replaced. */
  readonly effect: "settings" | "workers";
};

export type Change = {
  readonly kind: "create" | "update";
  /** Of the config. */
  readonly endpoint: string;
  readonly name: string;
  /** There; null: it is to be made. */
  readonly id: string | null;
  readonly diffs: readonly Diff[];
  /** Of the request, with the values of secrets in it. */
  readonly body: Readonly<Record<string, unknown>>;
};

export type Plan = {
  readonly changes: readonly Change[];
  /** Endpoints that are as the config says. */
  readonly same: readonly string[];
  /** Names of endpoints there of which the config says nothing. */
  readonly strangers: readonly string[];
  readonly notes: readonly string[];
  /** What cannot be done, each with what to write. */
  readonly problems: readonly string[];
};

const GPU_POOL = /^[A-Z]+_\d+(?:_PRO)?$/;
const DEFAULT_TYPE = "LOAD_BALANCER";

/** `secret`: the value of a variable of the environment, or null. */
export function planOf(
  wanted: readonly Wanted[],
  actual: readonly Actual[],
  secret: (name: string) => string | null,
): Plan {
  const changes: Change[] = [];
  const same: string[] = [];
  const notes: string[] = [];
  const problems: string[] = [];
  const met = new Set<string>();
  for (const one of wanted) {
    const there = actualOf(one, actual);
    const { members, faults } = membersOf(one, there, secret);
    if (there !== null && met.has(there.id))
      faults.push(`${one.endpoint.id}: ${there.name} (${there.id}) is another endpoint's of the config already`);
    if (there !== null) met.add(there.id);
    problems.push(...faults);
    if (faults.length > 0) continue;
    if (one.endpoint.workersMin === 0)
      notes.push(`${one.endpoint.id}: workers.min is 0; Runpod may keep one standby worker all the same`);
    const changed = members.filter(({ isSame }) => !isSame);
    if (changed.length === 0 && there !== null) same.push(one.endpoint.id);
    else changes.push(changeOf(one, there, there === null ? members : changed));
  }
  const strangers = actual.filter(({ id }) => !met.has(id)).map(({ name }) => name);
  return { changes, same, strangers, notes, problems };
}

/** By the id in its URL; where that is nobody's, by its name. */
export function actualOf({ endpoint, provider }: Wanted, actual: readonly Actual[]): Actual | null {
  const id = runpodIdOf(endpoint.url);
  const name = provider.name ?? endpoint.id;
  return actual.find((one) => one.id === id) ?? actual.find((one) => one.name === name) ?? null;
}

type Member = {
  readonly member: string;
  readonly from: string | null;
  readonly to: string;
  readonly effect: Diff["effect"];
  readonly isSame: boolean;
  /** Where in the body, and what. */
  readonly path: readonly string[];
  readonly value: unknown;
};

type Members = { readonly members: readonly Member[]; readonly faults: string[] };

function membersOf(wanted: Wanted, there: Actual | null, secret: (name: string) => string | null): Members {
  const { endpoint, provider } = wanted;
  const faults: string[] = [];
  const pools = provider.gpuPools ?? endpoint.gpu.filter((name) => GPU_POOL.test(name));
  if (there === null && pools.length === 0) {
    faults.push(`${endpoint.id}: a new endpoint needs GPU pools: "provider": { "gpuPools": ["ADA_24"] }`);
  }
  if (there === null && provider.image === undefined && provider.templateId === undefined) {
    faults.push(`${endpoint.id}: a new endpoint needs "provider": { "image": … } or { "templateId": … }`);
  }
  if (provider.scaler?.type === "QUEUE_DELAY" && (there?.type ?? DEFAULT_TYPE) === "LOAD_BALANCER") {
    faults.push(`${endpoint.id}: a load balancer scales by REQUEST_COUNT only: write that as provider.scaler.type`);
  }
  const env = envOf(endpoint.id, provider.env, secret, faults);
  const compare = comparer(there);
  const isQueueByCount = there?.type === "QUEUE" && scalingOf(wanted).type === "REQUEST_COUNT";
  const members = [
    compare("name", "settings", ["name"], there?.name, provider.name ?? (there === null ? endpoint.id : undefined)),
    compare("workers.min", "settings", ["workers", "min"], there?.workers.min, endpoint.workersMin),
    compare("workers.max", "settings", ["workers", "max"], there?.workers.max, endpoint.workersMax),
    compare(
      "idleTimeoutSeconds",
      "settings",
      ["workers", "idleTimeout"],
      there?.workers.idleTimeout,
      isQueueByCount ? undefined : endpoint.idleTimeoutMs / 1_000,
    ),
    compare("scaler", "settings", ["scaling"], there?.scaling, scalingOf(wanted)),
    compare("executionTimeoutMs", "settings", ["timeout"], there?.timeout, endpoint.executionTimeoutMs),
    compare("gpu", "workers", ["gpu", "pools"], there?.gpu?.pools, pools.length === 0 ? undefined : pools),
    compare("gpuCount", "workers", ["gpu", "count"], there?.gpu?.count, provider.gpuCount),
    compare(
      "minCudaVersion",
      "workers",
      ["gpu", "minCudaVersion"],
      there?.gpu?.minCudaVersion,
      provider.minCudaVersion,
    ),
    compare("image", "workers", ["image"], there?.image, provider.image),
    compare("templateId", "workers", ["templateId"], undefined, there === null ? provider.templateId : undefined),
    compare("dataCenterIds", "workers", ["dataCenterIds"], there?.dataCenterIds, provider.dataCenterIds),
    compare("networkVolumes", "workers", ["networkVolumes"], there?.networkVolumes, provider.networkVolumes),
    compare("flashboot", "workers", ["flashboot"], there?.flashboot, provider.flashboot),
    compare("diskGb", "workers", ["disk"], there?.disk, provider.diskGb),
    ...(env === null ? [] : [envMember(there, env, provider.env ?? {})]),
  ].flatMap((one) => (one === null ? [] : [one]));
  return { members, faults };
}

/** Null: the config says nothing of it. Order does not matter in lists. */
const comparer =
  (there: Actual | null) =>
  (member: string, effect: Diff["effect"], path: readonly string[], from: unknown, to: unknown): Member | null =>
    to === undefined
      ? null
      : {
          member,
          effect,
          path,
          value: to,
          from: from === undefined || from === null || there === null ? null : shown(from),
          to: shown(to),
          isSame: there !== null && from !== undefined && shown(from) === shown(to),
        };

const shown = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(String).toSorted().join(", ")}]`
    : typeof value === "object" && value !== null
      ? Object.entries(value)
          .toSorted(([one], [other]) => (one < other ? -1 : 1))
          .map(([name, one]) => `${name} ${String(one)}`)
          .join(", ")
      : String(value);

/** Without a word of the config the scaler is the one that the router counts on. */
function scalingOf({ endpoint, provider: { scaler } }: Wanted): Scaling {
  if (scaler === undefined) return { type: "REQUEST_COUNT", requestCount: endpoint.scalerValue };
  return scaler.type === "REQUEST_COUNT"
    ? { type: scaler.type, requestCount: scaler.value }
    : { type: scaler.type, queueDelay: scaler.value };
}

function envOf(
  id: string,
  env: Env | undefined,
  secret: (name: string) => string | null,
  faults: string[],
): Record<string, string> | null {
  if (env === undefined) return null;
  const values = Object.entries(env).flatMap(([name, value]) => {
    const found = typeof value === "string" ? value : secret(value.secret);
    if (found === null)
      faults.push(
        `${id}: the variable ${name} is the secret ${typeof value === "string" ? name : value.secret}, which is not set`,
      );
    return found === null ? [] : [[name, found] as const];
  });
  return Object.fromEntries(values);
}

/** PATCH replaces all variables, so those that are only there go: each is named. Values of secrets are not shown. */
function envMember(there: Actual | null, env: Readonly<Record<string, string>>, written: Env): Member {
  const before = there?.env ?? {};
  const text = (values: Readonly<Record<string, string>>): string =>
    Object.keys(values)
      .toSorted()
      .map((name) => `${name}=${typeof written[name] === "string" ? values[name] : "(hidden)"}`)
      .join(" ");
  const names = [...new Set([...Object.keys(before), ...Object.keys(env)])];
  return {
    member: "env",
    effect: "workers",
    path: ["env"],
    value: env,
    from: there === null ? null : text(before),
    to: text(env),
    isSame: there !== null && names.every((name) => before[name] === env[name]),
  };
}

function changeOf({ endpoint, provider }: Wanted, there: Actual | null, members: readonly Member[]): Change {
  const body: Record<string, unknown> = there === null ? { type: DEFAULT_TYPE } : {};
  for (const { path, value } of members) put(body, path, value);
  return {
    kind: there === null ? "create" : "update",
    endpoint: endpoint.id,
    name: provider.name ?? there?.name ?? endpoint.id,
    id: there?.id ?? null,
    diffs: members.map(({ member, from, to, effect }) => ({ member, from, to, effect })),
    body,
  };
}

function put(body: Record<string, unknown>, [first = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    body[first] = value;
    return;
  }
  const inner = (body[first] ?? {}) as Record<string, unknown>;
  body[first] = inner;
  put(inner, rest, value);
}

export const replacesWorkers = ({ kind, diffs }: Change): boolean =>
  kind === "update" && diffs.some(({ effect }) => effect === "workers");
