/**
 * The shard whose decisions `decision.ts` measures: its pool, its peers, and the requests that taught them what they
 * know.
 *
 * Model. Virtual time. Every region's shard serves its own clients, and some of us-east's, until its estimates have
 * settled: round trips around what the distance says, first tokens after the prompt was read, two GPU workers
 * an endpoint, every second request of a session that comes back. Half of the slots are taken, so that no
 * endpoint drops out of a decision and nothing waits. Rejected: states written by hand, which have an entry or
 * none where real ones have dozens.
 */
import type { EndpointView } from "../src/routing/core/endpoint/endpoint-view.ts";
import { roundTripPriorMs } from "../src/routing/core/cost/geography.ts";
import { invariant } from "../src/lib/invariant.ts";
import type { EndpointSpec, Place, PoolSpec } from "../src/routing/core/pool.ts";
import type { Rng } from "../src/lib/rng.ts";
import { absorbDigest, allViews, createShard, DIGEST_EVERY_MS, makeDigest } from "../src/routing/core/shard/shard.ts";
import type { ShardState } from "../src/routing/core/shard/shard-state.ts";
import { acquire } from "../src/routing/core/shard/shard-acquire.ts";
import type { AcquireOutcome, AcquireRequest, Begun, Grant, Settlement } from "../src/routing/core/shard-messages.ts";

type Client = { readonly key: string; readonly place: Place };
type Region = { readonly id: string; readonly place: Place; readonly clients: readonly [Client, ...Client[]] };

const client = (key: string, lat: number, lon: number): Client => ({ key, place: { lat, lon } });

/** The first one's shard is measured. */
const REGIONS: readonly [Region, ...Region[]] = [
  {
    id: "us-east",
    place: { lat: 39, lon: -77.5 },
    clients: [
      client("IAD", 38.9, -77.5),
      client("EWR", 40.7, -74.2),
      client("BOS", 42.4, -71),
      client("ORD", 42, -87.9),
      client("ATL", 33.6, -84.4),
      client("MIA", 25.8, -80.3),
      client("DFW", 32.9, -97),
      client("YUL", 45.5, -73.7),
    ],
  },
  {
    id: "eu-west",
    place: { lat: 50.1, lon: 8.7 },
    clients: [client("FRA", 50, 8.6), client("CDG", 49, 2.5), client("WAW", 52.2, 21), client("IAD", 38.9, -77.5)],
  },
  {
    id: "ap-northeast",
    place: { lat: 35.7, lon: 139.7 },
    clients: [client("NRT", 35.8, 140.4), client("KIX", 34.4, 135.2), client("IAD", 38.9, -77.5)],
  },
];

/** GPU workers an endpoint has, and what each serves at once. */
const GPU_WORKERS = 2;
const CONCURRENCY = 8;
/** Attempts in flight per endpoint: near half of its slots, where a decision has the most that are free to weigh. */
export const LIVE = 7;
/** How long an attempt runs, ms: a short chat answer. */
const HELD_MS = 2_000;
/** How fast an endpoint reads prompts: a little faster than its configuration says. */
const TOKENS_PER_MS = 12;
/** Attempts per endpoint that a shard learns from before it is measured. */
const LESSONS = 100;
/** Sessions that come back, and every how many requests one of them does. */
const SESSIONS = 200;
const SESSION_EVERY = 2;

export type Traffic = {
  /** One request more, which settles the oldest attempt; what the shard answered. */
  readonly decide: () => AcquireOutcome;
  /** What the shard sees of the whole pool now. */
  readonly views: () => EndpointView[];
  /** Live leases of the asked shard. */
  readonly ownInFlight: () => number;
  readonly clients: Region["clients"];
};

/**
 * Traffic at the shard of us-east, in virtual time; its peers' digests come as often as in
 * production, with what those learned.
 */
export function createTraffic(endpoints: number, rng: Rng): Traffic {
  const pool = poolOf(endpoints);
  const used = REGIONS.filter(({ id }) => pool.endpoints.some(({ region }) => region === id));
  const [own, ...peers] = used.map((region) => new ShardTraffic(createShard(pool, region.id, 1, 0), region, rng));
  invariant(own !== undefined, "a pool has an endpoint");
  for (const { state, nowMs } of peers.map(learned)) own.digests.push(makeDigest(state, nowMs));
  learned(own);
  return {
    decide: () => own.decide(),
    views: () => allViews(own.state, own.nowMs),
    ownInFlight: () => own.state.leases.live.size,
    clients: own.region.clients,
  };
}

function poolOf(endpoints: number): PoolSpec {
  const specs = Array.from({ length: endpoints }, (_, index): EndpointSpec => {
    const { id, place } = REGIONS[index % REGIONS.length] ?? REGIONS[0];
    return {
      id: `${id}-${index}`,
      region: id,
      place,
      workersMin: GPU_WORKERS,
      workersMax: 2 * GPU_WORKERS,
      concurrencyPerWorker: CONCURRENCY,
      scalerValue: CONCURRENCY,
      idleTimeoutMs: 60_000,
      queuesExcess: true,
      coldStartMs: 25_000,
      prefillTokensPerMs: 10,
    };
  });
  return {
    id: "llama",
    endpoints: specs,
    leaseTtlMs: 30_000,
    leaseCapMs: 330_000,
    queueDepthMax: 100,
    queueWaitMsMax: 10_000,
    coldWaitMsMax: 10_000,
    hedgeAfterMsMin: 300,
  };
}

class ShardTraffic {
  readonly state: ShardState;
  readonly region: Region;
  /** Of its peers. */
  readonly digests: ReturnType<typeof makeDigest>[] = [];
  nowMs = 0;
  readonly #rng: Rng;
  readonly #gapMs: number;
  readonly #running: { readonly grant: Grant; readonly request: AcquireRequest }[] = [];
  /** Prompts that are being read, and when their first tokens come. */
  #unread: (Omit<Begun, "agoMs"> & { readonly dueMs: number })[] = [];
  #digestsAtMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(state: ShardState, region: Region, rng: Rng) {
    this.state = state;
    this.region = region;
    this.#rng = rng;
    this.#gapMs = HELD_MS / (LIVE * state.endpoints.size);
  }

  get size(): number {
    return this.state.endpoints.size;
  }

  decide(): AcquireOutcome {
    this.nowMs += this.#gapMs;
    if (this.nowMs - this.#digestsAtMs >= DIGEST_EVERY_MS) {
      this.#digestsAtMs = this.nowMs;
      for (const digest of this.digests) absorbDigest(this.state, digest, this.nowMs);
    }
    const ended = this.#running.length < LIVE * this.size ? undefined : this.#running.shift();
    const settled = ended === undefined ? [] : [this.#endOf(ended.grant, ended.request)];
    const request = this.#request({ settled, held: [], begun: this.#begun() });
    const { outcome } = acquire(this.state, request, this.nowMs, this.#rng).reply;
    if (outcome.kind !== "granted") return outcome;
    const { grant } = outcome;
    this.#running.push({ grant, request });
    const { leaseId, endpointId, netMs = 0, work = 0 } = grant;
    this.#unread.push({ leaseId, endpointId, backMs: netMs / 2, dueMs: this.nowMs + netMs + work / TOKENS_PER_MS });
    return outcome;
  }

  /** First tokens that came since the last request. */
  #begun(): Begun[] {
    const due = this.#unread.filter(({ dueMs }) => dueMs <= this.nowMs);
    if (due.length > 0) this.#unread = this.#unread.filter(({ dueMs }) => dueMs > this.nowMs);
    return due.map(({ dueMs, ...first }) => ({ ...first, agoMs: this.nowMs - dueMs }));
  }

  #request(report: AcquireRequest["carry"]): AcquireRequest {
    this.#count += 1;
    const { clients } = this.region;
    const { key, place } = clients[Math.floor(this.#rng() * clients.length)] ?? clients[0];
    const inputTokens = 100 + Math.floor(this.#rng() * 3_000);
    const isSession = this.#count % SESSION_EVERY === 0;
    const session = `s${Math.floor(this.#rng() * SESSIONS)}`;
    return {
      leaseId: `isolate${this.#count % 4}-${this.#count}`,
      client: place,
      clientKey: key,
      inputTokens,
      affinity: isSession ? { key: session, tokens: inputTokens, kind: "session" } : null,
      excluded: [],
      purpose: "first",
      hop: 0,
      recentPerSecond: 0,
      ahead: false,
      wantsSnapshot: false,
      explain: false,
      carry: report,
    };
  }

  #endOf(grant: Grant, { client: place, clientKey, inputTokens, affinity }: AcquireRequest): Settlement {
    const tripMs = (0.8 + 0.4 * this.#rng()) * roundTripPriorMs(place ?? this.region.place, this.region.place);
    const ttftMs = tripMs + inputTokens / TOKENS_PER_MS + 10 * this.#rng() + grant.inFlightAtGrant;
    return {
      leaseId: grant.leaseId,
      endpointId: grant.endpointId,
      epoch: grant.epoch,
      outcome: "served",
      heldMs: HELD_MS * (0.5 + this.#rng()),
      ttftMs,
      headersMs: tripMs,
      firstByteMs: ttftMs,
      clientKey,
      inputTokens,
      inFlightAtGrant: grant.inFlightAtGrant,
      workerId: grant.workerId ?? `worker${Math.floor(this.#rng() * GPU_WORKERS)}`,
      affinity: affinity ?? null,
      cachedTokens: grant.cachedTokens ?? 0,
    };
  }
}

function learned(traffic: ShardTraffic): ShardTraffic {
  for (let lesson = 0; lesson < LESSONS * traffic.size; lesson += 1) traffic.decide();
  return traffic;
}
