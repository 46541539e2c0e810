/**
 * Production behind the simulator's port: its shards and edges, and every request's way through them.
 *
 * Model. Each client region has a few edge isolates, each region with endpoints one shard. A request picks an isolate at
 * random, asks for its lease while its guardrails run, and goes through `src/dispatch/attempts.ts`, which is what ships; here
 * are only its arrival, its client that may leave, the rails beside it, and what the world says of its endpoints
 * (`sim-upstream.ts`). All that travels takes the network's time: nothing here is exact unless it is exact in production.
 */
import { runAttempts } from "../../../src/dispatch/attempts.ts";
import type { BegunOutcome, Outcome } from "../../../src/dispatch/course.ts";
// Loaded when a first request is lost or late; here at once, because a module that comes from the disk takes real time.
import "../../../src/dispatch/attempt-lost.ts";
import "../../../src/dispatch/hedge-second.ts";
import "../../../src/dispatch/losses.ts";
import { invariant } from "../../../src/lib/invariant.ts";
import type { Rng } from "../../../src/lib/rng.ts";
import { waited } from "../../../src/routing/host/clock.ts";
import { adapterName } from "../adapters.ts";
import { drawExponential, stream } from "../chance.ts";
import { OUTCOME } from "../outcomes.ts";
import type { FailureReason, Router, RouterFactory } from "../router.ts";
import type { World } from "../world.ts";
import { CORE, type CoreCalls } from "./core-calls.ts";
import { PATIENT_QUEUE, type ProductionOptions } from "./options.ts";
import { poolOf, type ScenarioPool } from "./pool-of.ts";
import { promptKey } from "./prompt-key.ts";
import type { RequestLife } from "./requests.ts";
import { SimEdge } from "./sim-edge.ts";
import { SimShard } from "./sim-shard.ts";
import { SimUpstream, type SimReply } from "./sim-upstream.ts";
import type { Watch } from "./watch.ts";
import { Wire, WIRE_TAG } from "./wire.ts";

type Refusal = Extract<Outcome<SimReply>, { readonly kind: "refused" }>["refusal"];

export type ProductionSetup = {
  readonly options: ProductionOptions;
  readonly core: CoreCalls;
  readonly watch: ((router: ProductionRouter) => Watch) | null;
};

export function production(options: ProductionOptions = PATIENT_QUEUE): RouterFactory {
  return (world) => new ProductionRouter(world, { options, core: CORE, watch: null });
}

export class ProductionRouter implements Router {
  readonly world: World;
  readonly wire: Wire;
  readonly pool: ScenarioPool;
  readonly options: ProductionOptions;
  /** By region; null where the pool has no endpoint. */
  readonly shards: readonly (SimShard | null)[];
  /** By region. */
  readonly edges: readonly (readonly SimEdge[])[];
  readonly upstream: SimUpstream;
  /** Requests that are still at work. */
  readonly open = new Set<RequestLife>();
  readonly watch: Watch | null;
  readonly #rng: Rng;
  /** Told at the arrival of the last request, where that one is the end's mark. */
  onDrain: (() => void) | null = null;

  constructor(world: World, { options, core, watch }: ProductionSetup) {
    this.world = world;
    this.options = options;
    this.wire = new Wire(world, options.doubledShare);
    this.pool = poolOf(world, options);
    this.#rng = stream(world.seed, "production");
    this.watch = watch === null ? null : watch(this);
    const shardOf = (region: string): SimShard | null => this.shards[this.pool.regionOf.get(region) ?? -1] ?? null;
    const owners = new Set(world.scenario.endpoints.map(({ region }) => region));
    const base = { world, wire: this.wire, core, options, pool: this.pool, watch: this.watch };
    this.upstream = new SimUpstream(base);
    this.shards = world.scenario.regions.map((_, region) =>
      owners.has(region) ? new SimShard({ ...base, region, peer: shardOf }) : null,
    );
    this.edges = world.scenario.regions.map((_, region) =>
      Array.from(
        { length: options.edgesPerRegion },
        (_unused, index) => new SimEdge({ ...base, region, isolateId: `r${region}e${index}`, shardOf }),
      ),
    );
  }

  // Told by the world.

  arrive(request: number): void {
    const { world, options } = this;
    if (options.drains && request === world.requests.count - 1) {
      this.onDrain?.();
      return;
    }
    const life = this.#lifeOf(request);
    this.open.add(life);
    if (options.leaveShare > 0 && this.#rng() < options.leaveShare) {
      this.wire.later(options.leaveMs * drawExponential(this.#rng), () => this.#leave(life));
    }
    world.spawn(this.#serve(life));
  }

  onHeaders(attempt: number): void {
    this.upstream.onHeaders(attempt);
  }

  onFirstToken(attempt: number): void {
    this.upstream.onFirstToken(attempt);
  }

  onEnd(attempt: number): void {
    this.upstream.onEnd(attempt);
  }

  onFailure(attempt: number, reason: FailureReason): void {
    this.upstream.onFailure(attempt, reason);
  }

  onTimer(tag: number, value: number): void {
    if (tag === WIRE_TAG) this.wire.deliver(value);
  }

  onMessage(_region: number, value: number): void {
    this.wire.deliver(value);
  }

  onEvict(region: number): void {
    this.shards[region]?.evict();
  }

  // A request's way.

  #lifeOf(request: number): RequestLife {
    const { world } = this;
    const region = world.requests.region[request] ?? 0;
    const edges = this.edges[region] ?? [];
    const edge = edges[Math.floor(this.#rng() * edges.length)];
    invariant(edge !== undefined, "every region has an edge");
    const speakers = this.options.says[region] ?? [];
    const says = speakers[request % Math.max(1, speakers.length)];
    const adapter = world.workload.adapters?.[request];
    const leaseRequest = {
      pool: this.pool.spec,
      client: this.pool.places[region] ?? null,
      clientKey: world.scenario.regions[region]?.name ?? "",
      inputTokens: world.requests.promptTokens[request] ?? 0,
      affinityKey: promptKey(world.requests, request),
      ...(adapter === undefined ? {} : { adapter: adapterName(adapter), isAdapter: true }),
      excluded: [],
      explain: false,
      stream: true,
      // As the gateway says it of a stream that may be repeated, which all of them are here.
      mayPutBack: this.options.attemptsMax > 1 && says?.priority !== "high",
      ...says,
    };
    return { request, edge, leaseRequest, gone: new AbortController(), leases: [], attempts: [] };
  }

  async #serve(life: RequestLife): Promise<void> {
    const { edge, leaseRequest } = life;
    const { railsMs, patienceMs, attemptsMax, executionTimeoutMs, connectTimeoutMs } = this.options;
    const leases = edge.leasesFor(life);
    // Neither the rails nor the lease waits for the other.
    const leasing = leases.take(leaseRequest, patienceMs);
    if (railsMs > 0) await waited(edge.clock, railsMs);
    const outcome = await runAttempts(
      {
        leases,
        pool: edge.rules,
        leaseRequest,
        upstream: this.upstream.for(life),
        bounds: {
          stream: true,
          firstByteTimeoutMs: this.world.scenario.firstTokenTimeoutMs,
          connectTimeoutMs,
          stallTimeoutMs: executionTimeoutMs,
          mayLeave: attemptsMax > 1,
          clientGone: life.gone.signal,
        },
        repeatable: true,
        tenant: "",
      },
      leasing,
    );
    if (outcome.kind === "begun") await this.relay(outcome);
    else this.#refused(life, outcome.refusal);
    this.#giveUp(life);
    this.open.delete(life);
  }

  /** The client reads its answer to the end. */
  async relay({ result: { open, reply } }: BegunOutcome<SimReply>): Promise<void> {
    await open?.run(async (attempt) => this.upstream.through(attempt, reply));
  }

  #refused({ request, attempts }: RequestLife, { reason, retryAfterMs = 0 }: Refusal): void {
    const { world } = this;
    if (attempts.length > 0 || (reason !== "saturated" && reason !== "warming_up")) return;
    if (world.outcomes.outcome[request] !== OUTCOME.open) return;
    this.watch?.closed(request);
    world.shed(request, retryAfterMs);
  }

  /** The client is gone. */
  #leave(life: RequestLife): void {
    if (!this.open.has(life)) return;
    life.gone.abort();
    this.world.turn();
    this.#giveUp(life);
  }

  #giveUp({ request }: RequestLife): void {
    if (this.world.outcomes.outcome[request] !== OUTCOME.open) return;
    this.watch?.closed(request);
    this.world.fail(request);
  }
}
