/**
 * A fleet with distance in it: three regions, a shard in each, and every message delayed by the trip between its places
 * (`test/objects/far-places.ts`). What a test counts here does not depend on how long the trips are.
 */
import { join } from "node:path";
import { buildWorker } from "../../tools/cli/build.ts";
import type { ExplainedCandidate } from "../../src/routing/core/cost/explain.ts";
import { REGIONS, startFleet } from "./fleet.ts";
import type { Fleet, FleetPlan } from "./fleet.ts";

export type Region = keyof typeof REGIONS;
export const US = "us-east";
export const EU = "eu-west";
export const AP = "ap-northeast";
export const ALL: readonly Region[] = [US, EU, AP];

/** One way, ms: about half of what the router expects of these distances. */
export const TRIPS_MS: Readonly<Record<Region, Readonly<Record<Region, number>>>> = {
  [US]: { [US]: 10, [EU]: 60, [AP]: 100 },
  [EU]: { [US]: 60, [EU]: 10, [AP]: 80 },
  [AP]: { [US]: 100, [EU]: 80, [AP]: 10 },
};

/** No stream of a test gets so far. */
const ENDLESS_TOKENS = 30_000;

export type Answer = {
  readonly status: number;
  readonly endpoint: string | null;
  readonly reason: string | null;
  readonly attempts: string | null;
  readonly requestId: string | null;
  readonly retryAfter: string | null;
  readonly text: string;
};

/** A slot that is taken until it is released. */
export type Held = { readonly endpoint: string | null; release(): void };

type Wish = {
  /** Where the client is; default: where the region's endpoints are. */
  readonly place?: string;
  readonly stream?: boolean;
  readonly maxTokens?: number;
};

type Call = {
  readonly from: string;
  readonly to: string;
  readonly method: string;
  readonly acquire: { readonly clientKey: string; readonly hop: number; readonly ahead: boolean } | null;
};

type Explained = { readonly candidates: readonly ExplainedCandidate[]; readonly shardMs: number };

export type FarFleet = Fleet & {
  /** A request that enters at a region, and its whole answer. */
  ask(at: Region, wish?: Wish): Promise<Answer>;
  /** One after the other takes `slots` slots, with streams that enter at a region. */
  hold(at: Region, slots: number): Promise<Held[]>;
  /** The shards that requests of clients at `place` asked for a lease, in order: "us-east, hop 0". */
  asked(place: string): Promise<string[]>;
  /** What the shard of a region knows of an endpoint. */
  seenFrom(at: Region, endpointId: string): Promise<ExplainedCandidate>;
  /** How long a question that enters at `from` takes to the shard of `to` and back, ms. */
  shardMs(from: Region, to: Region): Promise<number>;
  /** Requests that wait at any shard. */
  queued(): Promise<number>;
  /**
   * Resolves when every one of these shards has once more told the others how its endpoints are, and heard of theirs.
   */
  digestsFrom(regions: readonly Region[]): Promise<void>;
  loseDigests(): Promise<void>;
};

/** Bundles the Worker with distance in it. */
export async function buildFarWorker(outfile: string): Promise<void> {
  await buildWorker({ entry: join(import.meta.dirname, "../objects/far-places.ts"), outfile });
}

export async function startFarFleet(plan: FleetPlan & { readonly bundlePath: string }): Promise<FarFleet> {
  const fleet = await startFleet({
    ...plan,
    bindings: { TRIPS_MS: JSON.stringify(TRIPS_MS), ...plan.bindings },
    // Wide enough that nobody's patience ends before the test does. A hedge would be one more request to count.
    pool: { patienceMs: 10_000, queueWaitMsMax: 120_000, hedge: { enabled: false }, ...plan.pool },
  });
  const send = async (at: Region, { place = at, stream = false, maxTokens = 4 }: Wish, signal?: AbortSignal) => {
    const body = { model: fleet.model, stream, max_tokens: maxTokens, messages: [{ role: "user", content: "hello" }] };
    return fleet.call("/v1/chat/completions", {
      method: "POST",
      place,
      headers: { "content-type": "application/json", "x-entered-at": at },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  };
  const explain = async (place: Region, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fleet.call("/admin/explain", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ pool: "main", place }),
    });
    return (await response.json()) as Explained;
  };
  const calls = async () => (await (await fetch(`${fleet.router.url}/-/calls`)).json()) as Call[];
  const digests = async (region: Region) =>
    (await calls()).filter(({ from, method }) => method === "exchange" && from === region).length;

  return Object.assign(fleet, {
    async ask(at: Region, wish: Wish = {}) {
      const response = await send(at, wish);
      const header = (name: string) => response.headers.get(name);
      return {
        status: response.status,
        endpoint: header("x-warmpath-endpoint"),
        reason: header("x-warmpath-reason"),
        attempts: header("x-warmpath-attempts"),
        requestId: header("x-request-id"),
        retryAfter: header("retry-after"),
        text: await response.text(),
      };
    },
    async hold(at: Region, slots: number) {
      const held: Held[] = [];
      while (held.length < slots) {
        const leaving = new AbortController();
        const response = await send(at, { stream: true, maxTokens: ENDLESS_TOKENS }, leaving.signal);
        held.push({ endpoint: response.headers.get("x-warmpath-endpoint"), release: () => leaving.abort() });
      }
      return held;
    },
    async asked(place: string) {
      const acquires = (await calls()).flatMap(({ to, acquire }) => (acquire === null ? [] : [{ to, ...acquire }]));
      return acquires
        .filter(({ clientKey, ahead }) => clientKey === place && !ahead)
        .map(({ to, hop }) => `${to}, hop ${hop}`);
    },
    async seenFrom(at: Region, endpointId: string) {
      const { candidates } = await explain(at);
      const seen = candidates.find((candidate) => candidate.endpointId === endpointId);
      if (seen === undefined) throw new Error(`${at} knows no "${endpointId}"`);
      return seen;
    },
    async shardMs(from: Region, to: Region) {
      return (await explain(to, { "x-entered-at": from })).shardMs;
    },
    async queued() {
      return (await fleet.shards()).reduce((sum, { status }) => sum + (status?.queued ?? Number.NaN), 0);
    },
    async digestsFrom(regions: readonly Region[]) {
      const peers = ALL.length - 1;
      const wait = async (region: Region) => {
        const before = await digests(region);
        // When a shard sends the round after the next, the next one has been answered.
        await fleet.until(
          () => digests(region),
          (count) => count >= before + 2 * peers,
          20_000,
        );
      };
      await Promise.all(regions.map(wait));
    },
    async loseDigests() {
      await fetch(`${fleet.router.url}/-/digests/lost`, { method: "POST" });
    },
  });
}

let places = 0;

/** A place up to 1,000 km from a region, where nobody was before: its requests can be told from all others. */
export function placeNear(region: Region): string {
  const { lat, lon } = REGIONS[region];
  places += 1;
  return `${Math.round(lat) - 1 - (Math.floor(places / 8) % 8)},${Math.round(lon) + (places % 8)}`;
}
