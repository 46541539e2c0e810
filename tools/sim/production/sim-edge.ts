/**
 * The place of an edge isolate in the simulator: its memory and its platform, in virtual time. What runs in it is what
 * ships: the lease client (`src/routing/host/lease-client.ts`) and the attempts (`src/dispatch/attempts.ts`).
 *
 * Model. A client for each request, over the memory of the isolate, as in production. Not modelled: an isolate that ends,
 * whose leases expire.
 */
import { createFailingRequests } from "../../../src/dispatch/core/failing-requests.ts";
import { createReach } from "../../../src/dispatch/core/reach-step.ts";
import type { Reach } from "../../../src/dispatch/core/reach-step.ts";
import type { PoolRules } from "../../../src/dispatch/course.ts";
import { parseShardName } from "../../../src/routing/core/shard-name.ts";
import type { Clock } from "../../../src/routing/host/clock.ts";
import { LeaseClient } from "../../../src/routing/host/lease-client.ts";
import type { LeaseMemory, LeasePorts, LeasingShard } from "../../../src/routing/host/lease-ports.ts";
import { stream } from "../chance.ts";
import type { World } from "../world.ts";
import type { CoreCalls } from "./core-calls.ts";
import type { ProductionOptions } from "./options.ts";
import type { RequestLife } from "./requests.ts";
import { seenLeaseCalls } from "./seen-calls.ts";
import type { SimShard } from "./sim-shard.ts";
import type { Watch } from "./watch.ts";
import type { Call, Wire } from "./wire.ts";

export type SimEdgeSetup = {
  readonly world: World;
  readonly wire: Wire;
  readonly core: CoreCalls;
  readonly options: ProductionOptions;
  readonly watch: Watch | null;
  /** Index of its region. */
  readonly region: number;
  readonly isolateId: string;
  /** Null where the pool has none. */
  readonly shardOf: (region: string) => SimShard | null;
};

export class SimEdge {
  readonly region: number;
  readonly memory: LeaseMemory;
  readonly clock: Clock;
  readonly rules: PoolRules;
  readonly #reaches = new Map<number, Reach>();
  readonly #setup: SimEdgeSetup;
  readonly #ports: LeasePorts;

  constructor(setup: SimEdgeSetup) {
    const { world, core, options, region, isolateId } = setup;
    this.#setup = setup;
    this.region = region;
    this.memory = { leaseCache: core.createLeaseCache(isolateId), flushUntilMs: 0 };
    this.clock = this.#clock();
    this.rules = { config: options, failing: createFailingRequests() };
    this.#ports = {
      clock: this.clock,
      rng: stream(world.seed, `edge ${isolateId}`),
      spawn: (work) => world.spawn(work),
      shardOf: (name) => this.#shardOf(name),
    };
  }

  leasesFor(life: RequestLife): LeaseClient {
    const { core, watch } = this.#setup;
    return new LeaseClient(this.memory, this.#ports, watch === null ? core : seenLeaseCalls(core, { life, watch }));
  }

  /** What the isolate knows of whether an endpoint is there. */
  reachOf(endpoint: number): Reach {
    const known = this.#reaches.get(endpoint) ?? createReach();
    this.#reaches.set(endpoint, known);
    return known;
  }

  #clock(): Clock {
    const { world, wire } = this.#setup;
    return {
      now: () => world.nowMs,
      after: (ms, fn) =>
        wire.later(ms, () => {
          fn();
          world.turn();
        }),
    };
  }

  #shardOf(name: string): LeasingShard {
    const shard = this.#setup.shardOf(parseShardName(name)?.region ?? "");
    if (shard === null) return NOWHERE;
    return {
      acquire: async (request) => this.#call(shard, { serve: (reply) => reply(shard.acquire(request)), doubles: true }),
      report: async (report) => this.#call(shard, { serve: (reply) => reply(shard.report(report)), doubles: true }),
      awaitGrant: async (leaseId) =>
        this.#call(shard, { serve: (reply, fail) => shard.awaitGrant(leaseId, reply, fail) }),
    };
  }

  async #call<Reply>(
    { region }: SimShard,
    { serve, doubles = false }: Pick<Call<Reply>, "serve" | "doubles">,
  ): Promise<Reply> {
    const { world, wire } = this.#setup;
    world.shardCalls += 1;
    return new Promise((resolve, reject) => {
      const onReply = (reply: Reply): void => {
        resolve(reply);
        world.turn();
      };
      const onFail = (): void => {
        reject(new Error("lost"));
        world.turn();
      };
      wire.call<Reply>({ from: this.region, to: region }, { serve, onReply, onFail, doubles });
    });
  }
}

const lost = async (): Promise<never> => Promise.reject(new Error("the pool has no such shard"));

const NOWHERE: LeasingShard = { acquire: lost, awaitGrant: lost, report: lost };
