/**
 * The fleet of the demo: three simulated GPU endpoints, each its own process, and the router on raw workerd.
 *
 * The cold endpoint stands in the region nearest to one of the clients, so that a router which only looked at distance
 * would send somebody into its cold start. All are configured as Runpod load-balanced endpoints, because that backend
 * can tell cold from down.
 */
import { randomBytes } from "node:crypto";
import type { EndpointView } from "../../src/routing/core/endpoint/endpoint-view.ts";
import { formatKey, keyHmac, toHex } from "../../src/wire/api-keys.ts";
import { type Arrivals, createArrivals } from "./demo-arrivals.ts";
import { guardedRails, startCheckService } from "./demo-check-service.ts";
import type { Client } from "./demo-client.ts";
import { startControls } from "./demo-controls.ts";
import type { Crew, EndpointProcess, Router } from "./demo-crew.ts";
import { type LeakyModel, startLeakyModel } from "./demo-leaky-model.ts";

const MODEL = "demo-model";
export const POOL = "demo";

/** The near endpoint behind guardrails that ask a service. */
export const GUARDED_POOL = "guarded";

/** A model that says what it should not, behind guardrails that read its answers. */
export const LEAKY_POOL = "leaky";

/** As `npm run serve`. */
const ROUTER_PORT = 8787;

/**
 * What the router is told to expect of a cold start, ms: an 8B model without snapshots (the simulator's own default).
 */
export const COLD_START_EXPECTED_MS = 25_000;

/** How long it takes here, ms: nobody should watch a terminal for 25 s. */
export const COLD_START_MS = 2_500;

/**
 * How long a request waits at an endpoint that is not warm until it is refused there, ms. Not Runpod's two minutes: a
 * request that came too early should show at once, as one that the endpoint counted and did not serve.
 */
const NO_WORKER_TIMEOUT_MS = 0;

/** Concurrent requests of one endpoint. */
const SLOTS = 8;

/** A look at the fleet that takes longer has failed, ms. */
const LOOK_MS_MAX = 10_000;

export type Role = "near" | "far" | "cold";

/** `port`: the usual one. */
export const ENDPOINTS = {
  near: { id: "gpu-virginia", region: "us-east", place: { lat: 39.0, lon: -77.5 }, hint: "enam", port: 8101 },
  far: { id: "gpu-frankfurt", region: "eu-west", place: { lat: 50.1, lon: 8.7 }, hint: "weur", port: 8102 },
  cold: { id: "gpu-tokyo", region: "ap-northeast", place: { lat: 35.7, lon: 139.7 }, hint: "apac-ne", port: 8103 },
} as const;

export const ROLES = ["near", "far", "cold"] as const satisfies readonly Role[];

/**
 * What a simulator counts, and the demo reads: requests for work, and `/ping`s, each of which wakes a cold endpoint.
 */
type EndpointStats = {
  readonly requests: number;
  readonly activeRequests: number;
  readonly pings: number;
  readonly state: string;
};

export type Fleet = {
  readonly client: Client;
  readonly router: Router;
  /** Changed by `restart`. */
  readonly endpoints: Record<Role, EndpointProcess>;
  /** Requests for work at the three endpoints. */
  readonly arrivals: Arrivals<Role>;
  readonly leakyModel: LeakyModel;
  /** The router's own view; with `probe` it asks every endpoint first. */
  views(probe: boolean): Promise<readonly EndpointView[]>;
  /** Asked of the endpoint itself; rejects when it does not answer. */
  stats(role: Role): Promise<EndpointStats>;
  /** A new process on the same port. */
  restart(role: Role): Promise<void>;
};

export type FleetOptions = {
  /** null: the usual port, or any free one when that is taken. */
  readonly routerPort: number | null;
};

/** Rejects with a sentence for a person. */
export async function startFleet(crew: Crew, { routerPort }: FleetOptions): Promise<Fleet> {
  const arrivals = createArrivals<Role>();
  const start = async (role: Role, port: number): Promise<EndpointProcess> =>
    crew.startEndpoint(port, simulatorFlags(role), (requestId) => arrivals.note(role, requestId));
  const [near, far, cold] = await Promise.all([
    startSomewhere(start, "near"),
    startSomewhere(start, "far"),
    startSomewhere(start, "cold"),
  ]);
  const endpoints: Record<Role, EndpointProcess> = { near, far, cold };
  const pepper = randomBytes(24).toString("base64");
  const key = formatKey("dev", randomBytes(32));
  const [checks, leakyModel] = await Promise.all([startCheckService(), startLeakyModel()]);
  const controls = await startControls<Role>({
    roles: ROLES,
    placeOf: (role) => ({ id: ENDPOINTS[role].id, region: ENDPOINTS[role].region }),
    processOf: (role) => endpoints[role],
    restart: async (role) => {
      endpoints[role] = await start(role, endpoints[role].port);
    },
  });
  const config = fleetConfig(endpoints, toHex(await keyHmac(key, pepper)), guardedPools(endpoints, checks, leakyModel));
  const router = await crew.startRouter({
    port: routerPort ?? ROUTER_PORT,
    orAnyPort: routerPort === null,
    bindings: {
      WARMPATH_CONFIG: JSON.stringify(config),
      WARMPATH_DEV: "1",
      WARMPATH_KEY_PEPPER: pepper,
      WARMPATH_DEMO_CONTROL: controls.url,
      WARMPATH_DEMO_TOKEN: controls.token,
    },
  });
  return {
    client: { url: router.url, key, model: MODEL },
    router,
    endpoints,
    arrivals,
    leakyModel,
    async views(probe) {
      const response = await fetch(`${router.url}/admin/fleet${probe ? "?probe=1" : ""}`, {
        headers: { authorization: `Bearer ${key}` },
        signal: AbortSignal.timeout(LOOK_MS_MAX),
      });
      const { shards } = (await response.json()) as {
        shards: { status: { endpoints: readonly EndpointView[] } | null }[];
      };
      return shards.flatMap(({ status }) => status?.endpoints ?? []);
    },
    stats: async (role) => readStats(role, endpoints[role].url),
    async restart(role) {
      endpoints[role] = await start(role, endpoints[role].port);
    },
  };
}

async function readStats(role: Role, url: string): Promise<EndpointStats> {
  try {
    const response = await fetch(`${url}/sim/stats`, { signal: AbortSignal.timeout(LOOK_MS_MAX) });
    return (await response.json()) as EndpointStats;
  } catch (error) {
    throw new Error(`${ENDPOINTS[role].id} does not answer`, { cause: error });
  }
}

async function startSomewhere(
  start: (role: Role, port: number) => Promise<EndpointProcess>,
  role: Role,
): Promise<EndpointProcess> {
  try {
    return await start(role, ENDPOINTS[role].port);
  } catch {
    // Its usual port is taken, most likely; if it was something else, it will say so again.
    return start(role, 0);
  }
}

function simulatorFlags(role: Role): readonly string[] {
  const start = role === "cold" ? "cold" : "warm";
  return ["--model", MODEL, "--worker-id", `${ENDPOINTS[role].id}-w1`, "--start-state", start].concat(
    ["--cold-start-ms", String(COLD_START_MS)],
    ["--no-worker-timeout-ms", String(NO_WORKER_TIMEOUT_MS)],
  );
}

function fleetConfig(endpoints: Readonly<Record<Role, EndpointProcess>>, hmac: string, more: object) {
  return {
    regions: Object.fromEntries(ROLES.map((role) => [ENDPOINTS[role].region, regionOf(role)])),
    keys: [{ id: "dev", tenant: "demo", hmac, scopes: ["infer", "admin"] }],
    pools: {
      [POOL]: {
        models: [MODEL],
        // The demo shows what arrives by the simulator's echo.
        paths: ["/echo"],
        endpoints: ROLES.map((role) => entryOf(role, endpoints[role].url)),
      },
      ...more,
    },
  };
}

function guardedPools(
  { near }: Readonly<Record<Role, EndpointProcess>>,
  checks: Parameters<typeof guardedRails>[0],
  { url }: LeakyModel,
) {
  const guarded = { ...entryOf("near", near.url), id: `${GUARDED_POOL}-virginia` };
  const { region } = ENDPOINTS.near;
  const leaky = { id: `${LEAKY_POOL}-virginia`, region, backend: "openai", url, concurrencyPerWorker: SLOTS };
  return {
    [GUARDED_POOL]: { paths: ["/echo"], endpoints: [guarded], rails: guardedRails(checks) },
    [LEAKY_POOL]: { endpoints: [leaky], rails: { input: [], output: ["secrets", "pii"] } },
  };
}

function entryOf(role: Role, url: string) {
  const { id, region } = ENDPOINTS[role];
  return {
    id,
    region,
    backend: "runpod-lb",
    url,
    health: { path: `/v2/${id}/health` },
    workers: { min: role === "cold" ? 0 : 1, max: 1 },
    concurrencyPerWorker: SLOTS,
    coldStartMs: COLD_START_EXPECTED_MS,
  };
}

function regionOf(role: Role) {
  const { place, hint } = ENDPOINTS[role];
  return { ...place, hint };
}
