/**
 * The place of an edge isolate in the simulator: its memory and its platform, in virtual time, with the lease client that
 * ships in it (`src/routing/host/lease-client.ts`).
 *
 * Model. One isolate, one client: what a request's own ports are for, that no request awaits another one's calls, is a
 * matter of the platform. Not modelled: an isolate that ends, whose leases expire.
 */
import type { LeaseCache } from "../../../src/routing/core/lease-client/lease-cache.ts";
import { parseShardName } from "../../../src/routing/core/shard-name.ts";
import type { Clock } from "../../../src/routing/host/clock.ts";
import { LeaseClient } from "../../../src/routing/host/lease-client.ts";
import type { LeasePorts, LeasingShard } from "../../../src/routing/host/lease-ports.ts";
import { stream } from "../chance.ts";
import type { World } from "../world.ts";
import type { CoreCalls } from "./core-calls.ts";
import { seenLeaseCalls } from "./seen-calls.ts";
import type { SimShard } from "./sim-shard.ts";
import type { Watch } from "./watch.ts";
import type { Call, Wire } from "./wire.ts";

export type SimEdgeSetup = {
  readonly world: World;
  readonly wire: Wire;
  readonly core: CoreCalls;
  readonly watch: Watch | null;
  /** Index of its region. */
  readonly region: number;
  readonly isolateId: string;
  /** Null where the pool has none. */
  readonly shardOf: (region: string) => SimShard | null;
};

export class SimEdge {
  readonly region: number;
  readonly leaseCache: LeaseCache;
  readonly clock: Clock;
  readonly leases: LeaseClient;
  readonly #setup: SimEdgeSetup;

  constructor(setup: SimEdgeSetup) {
    const { core, watch, region, isolateId } = setup;
    this.#setup = setup;
    this.region = region;
    this.leaseCache = core.createLeaseCache(isolateId);
    this.clock = this.#clock();
    const memory = { leaseCache: this.leaseCache, flushUntilMs: 0 };
    this.leases = new LeaseClient(memory, this.#ports(), seenLeaseCalls(core, { edge: this, watch }));
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

  #ports(): LeasePorts {
    const { world, isolateId } = this.#setup;
    return {
      clock: this.clock,
      rng: stream(world.seed, `edge ${isolateId}`),
      spawn: (work) => world.spawn(work),
      shardOf: (name) => this.#shardOf(name),
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
