/**
 * Decides what the rest of the project sees of `warmpath.jsonc`: `Config`, with every default applied and every
 * reference known to be good. `config-parse.ts` makes it.
 *
 * Model: plain data, maps where the request path asks by name: a model name comes from a client, and
 * `pools["__proto__"]` must be a miss. Rejected: exporting the zod output itself, which would make every reader depend
 * on optional fields.
 */
import type { Place } from "../routing/core/pool.ts";
import type { Priority } from "../routing/core/shard/priority.ts";
import type { AFFINITY_MODES, BACKEND_KINDS, ENGINE_LOADS, LOCATION_HINTS, SCOPES } from "./config-bounds.ts";
import type { RawConfig, RawEndpoint } from "./config-schema.ts";
import type { KeyLimits, PoolPrices, ShieldConfig, TenantLimits } from "./limits-schema.ts";
import type { JobsConfig } from "./jobs-schema.ts";
import type { RawInputRail, RawOutputRail } from "./rails-schema.ts";
import type { SightConfig } from "./sight-schema.ts";

export type LocationHint = (typeof LOCATION_HINTS)[number];
export type BackendKind = (typeof BACKEND_KINDS)[number];
export type Scope = (typeof SCOPES)[number];
/** `session`: what names a session; `prefix`: that, else how the prompt begins. */
export type AffinityMode = (typeof AFFINITY_MODES)[number];
type Protocol = NonNullable<RawEndpoint["protocols"]>[number];
export type EngineLoad = (typeof ENGINE_LOADS)[number];

/** Name of an environment secret; the secret is never in the config. */
export type SecretRef = { readonly secret: string };

type RegionConfig = Place & { readonly hint: LocationHint };

/** What a key may reach, and from where; null: all there is. */
export type Access = {
  readonly pools: readonly string[] | null;
  readonly models: readonly string[] | null;
  /** Addresses and networks. */
  readonly addresses: readonly string[] | null;
};

export type ApiKeyEntry = {
  readonly id: string;
  readonly tenant: string;
  /** HMAC-SHA-256 of the key under the pepper, 64 lower-case hex digits. */
  readonly hmac: string;
  readonly scopes: readonly Scope[];
  /** The highest class that its requests may wait in. */
  readonly priorityMax: Priority;
  /** Epoch ms from which the key is refused; null: never. */
  readonly expiresAtMs: number | null;
  /** Absent: all there is, from anywhere. */
  readonly access?: Access | undefined;
  /** Mark of the pepper that it was hashed under. */
  readonly pepper?: string | undefined;
  readonly note?: string | undefined;
  /** Its own; absent or null: its tenant's alone. */
  readonly limits?: KeyLimits | null | undefined;
};

export type EndpointConfig = {
  /** Unique over all pools. */
  readonly id: string;
  readonly region: string;
  readonly backend: BackendKind;
  /** Base URL without a final slash and without a final `/v1`; the request path is appended. */
  readonly url: string;
  /** Name of the model there, or what it calls some of the pool's names; null: as the client says it. */
  readonly model: string | Readonly<Record<string, string>> | null;
  readonly auth: SecretRef | null;
  readonly gpu: readonly string[];
  readonly workersMin: number;
  readonly workersMax: number;
  /** null: learned. */
  readonly concurrencyPerWorker: number | null;
  /** May a few requests wait in the endpoint's own queue. */
  readonly queuesExcess: boolean;
  /** Where its engine tells of its load. */
  readonly engineLoad: EngineLoad;
  /** Which it speaks itself; null: found out. */
  readonly protocols: readonly Protocol[] | null;
  /** How it is told to go on with a text; "none": never. */
  readonly prefill: "flags" | "message" | "none";
  /** Requests per GPU worker at which the platform's scaler adds one. */
  readonly scalerValue: number;
  readonly idleTimeoutMs: number;
  /** Longest one attempt may run, ms. */
  readonly executionTimeoutMs: number;
  readonly coldStartMs: number;
  readonly prefillTokensPerMs: number;
  /** Where to ask whether the endpoint is up: an absolute URL, and the secret to send there. */
  readonly health: { readonly url: string; readonly auth: SecretRef | null };
};

export type RailAction = "flag" | "redact" | "block";

type Resolved<Raw> = Raw extends { readonly use: infer Use; readonly options: infer Options }
  ? RailCommon & { readonly use: Use; readonly options: Readonly<Options> }
  : never;

/** What every rail has, whatever it looks for. */
export type RailCommon = {
  /** Unique in its stage. */
  readonly name: string;
  readonly action: RailAction;
  /** From the start of the stage, ms. */
  readonly timeoutMs: number;
  readonly onError: "open" | "closed";
  /** When all was read but media. */
  readonly onMedia: "open" | "closed";
  readonly shadow: boolean;
  /** Share of requests, 0 to 1. */
  readonly sample: number;
  /** null: all. */
  readonly tenants: readonly string[] | null;
};

export type InputRailConfig = Resolved<RawInputRail>;
export type OutputRailConfig = Resolved<RawOutputRail>;

export type RailsConfig = {
  readonly input: readonly InputRailConfig[];
  readonly output: readonly OutputRailConfig[];
  /** What runs beside the input rails: getting the lease, or the whole attempt. */
  readonly overlap: "acquire" | "dispatch";
  /** Longest the input rails may take together, ms. */
  readonly deadlineMs: number;
  /** What becomes of a WebSocket, which no rail can read. */
  readonly sockets: "refuse" | "unread";
};

/** Of a WebSocket to an endpoint. */
export type SocketBounds = RawConfig["pools"][string]["sockets"];

export type ShadowConfig = {
  readonly pool: string;
  /** Of the requests, above 0 to 100. */
  readonly percent: number;
  /** Copies that an isolate has under way. */
  readonly inFlightMax: number;
  readonly bodyBytesMax: number;
  readonly timeoutMs: number;
};

/** A pool's share of a model that several serve. */
type SplitSide = { readonly poolId: string; readonly weight: number };

export type PoolConfig = {
  readonly id: string;
  /** Values of `model` that select this pool, its adapters last. */
  readonly models: readonly string[];
  /** Those of them that are adapters (LoRA) of its model. */
  readonly adapters: readonly string[];
  /** What a client may reach here beyond inference when it names the path itself: `open-paths.ts`. */
  readonly paths: readonly string[];
  readonly endpoints: readonly EndpointConfig[];
  /** How long the edge waits for the shard after the rails are done before it decides from the snapshot, ms. */
  readonly patienceMs: number;
  /** Without headers for so long, an endpoint is asked for its health, ms. */
  readonly connectTimeoutMs: number;
  /** Longest wait for the first token of a stream, ms. */
  readonly firstTokenTimeoutMs: number;
  /** Longest silence of an answer that has begun, ms. */
  readonly stallTimeoutMs: number;
  readonly attemptsMax: number;
  /** A second attempt beside a stream that is late, no sooner than `afterMsMin` after its dispatch. */
  readonly hedge: { readonly enabled: boolean; readonly afterMsMin: number };
  readonly queueDepthMax: number;
  readonly queueWaitMsMax: number;
  readonly leaseTtlMs: number;
  /** Longest cold start that a request waits for, ms; beyond it the client is told when to come back. */
  readonly coldWaitMsMax: number;
  /** By what a long prompt is led to the endpoint that has it in its cache. */
  readonly affinity: AffinityMode;
  /** Are endpoints asked for the usage of streams whose clients have not asked. */
  readonly streamUsage: boolean;
  /** Whose name of the model an answer says. */
  readonly answerModel: "asked" | "endpoint";
  readonly sockets: SocketBounds;
  /** What becomes of a stream whose endpoint dies in the midst of it. */
  readonly onCut: "error" | "continue";
  /** What tokens cost; absent: nothing. */
  readonly prices?: PoolPrices | undefined;
  /** Pools that are asked in this order when it cannot serve. */
  readonly fallback: readonly string[];
  /** Where copies of its requests go; absent: nowhere. */
  readonly shadow?: ShadowConfig | undefined;
  readonly rails: RailsConfig;
  /** What is absent in it is as the queue's own code has it. */
  readonly jobs?: JobsConfig;
};

type RouteConfig = {
  readonly path: string;
  readonly poolId: string;
  readonly upstreamPath: string;
  /** Tenant as whom requests without a key are served; null: a key is needed. */
  readonly openTo: string | null;
};

export type TenantConfig = {
  /** Names of the secrets that sign its webhooks, two while one is being changed; empty: the deployment's signs. */
  readonly webhookSecrets: readonly string[];
  /** null: as every tenant's. */
  readonly limits: TenantLimits | null;
};

export type Config = {
  readonly regions: ReadonlyMap<string, RegionConfig>;
  readonly keys: readonly ApiKeyEntry[];
  /** Issuers whose tokens are taken. */
  readonly jwt: RawConfig["jwt"];
  readonly admin: RawConfig["admin"];
  /** By name; what is not here has nothing of its own. */
  readonly tenants: ReadonlyMap<string, TenantConfig>;
  readonly sight: SightConfig;
  readonly limits: {
    readonly bodyBytesMax: number;
    readonly uploadBytesMax: number;
    readonly uploadHeadBytesMax: number;
    readonly bodyTimeoutMs: number;
    readonly clientTimeoutMsMax: number;
    readonly maxTokensMax: number;
    readonly nMax: number;
    readonly resumable: { readonly graceMs: number; readonly retentionMs: number; readonly bytesMax: number };
    /** null: none. */
    readonly shield: ShieldConfig | null;
    /** Of a tenant that has none of its own; null: it has none. */
    readonly perTenant: TenantLimits | null;
  };
  /** Of prices, ISO 4217. */
  readonly currency: string;
  /** As it was written; `alertsOf` reads it. */
  readonly alerts: unknown;
  /** As it was written; `jobsOf` reads it. */
  readonly jobs: unknown;
  /** null: send no CORS header. */
  readonly cors: { readonly allowOrigin: string } | null;
  /** By public path. */
  readonly routes: ReadonlyMap<string, RouteConfig>;
  readonly pools: ReadonlyMap<string, PoolConfig>;
  /** Pool id by the `model` of a request. */
  readonly poolIdByModel: ReadonlyMap<string, string>;
  /** By the `model` of a request: pools that share it, of which the first has the name. */
  readonly splits: ReadonlyMap<string, readonly SplitSide[]>;
};
