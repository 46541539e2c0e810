/**
 * What the feed shows: it remembers the last decisions and events, asks shards and queues how they are, and puts frames
 * together for whoever watches.
 *
 * Shards and queues are asked only for a frame, and one answer serves everybody who asks within `LOOK_GAP_MS`. What changed
 * between two looks becomes an event; after a pause there is nothing to compare with.
 */
import type { Config } from "../../config/config.ts";
import { loadConfig } from "../../config/env.ts";
import { poolSpec } from "../../config/pool-spec.ts";
import { shardsOf } from "../../dispatch/platform.ts";
import { askFleet } from "../ask-fleet.ts";
import { askQueues } from "../ask-queues.ts";
import { FRAME_VERSION } from "../core/frame.ts";
import type { FeedFrame } from "../core/frame.ts";
import { changesBetween } from "../core/fleet-changes.ts";
import type { Figures } from "../core/figures.ts";
import { createLately, noteFigures, ratesOf } from "../core/lately.ts";
import type { Gauges } from "../core/history-point.ts";
import type { RequestRecord } from "../core/record.ts";
import type { Report } from "../core/report.ts";
import { frameFleet } from "../frame-fleet.ts";
import { frameJobs } from "../frame-jobs.ts";
import type { FeedEnv } from "./feed-env.ts";

/** Newest decisions, and events, that are remembered and that one frame may bring. */
export const SHOWN_MAX = 50;
/** A look serves so long, ms: a frame a second is a look a second. */
const LOOK_GAP_MS = 900;
/** Queues are asked less often: what waits there changes slowly, and a queue counts what has ended. */
const JOBS_GAP_MS = 3_000;
/** Looks that are further apart than this are not compared. */
const COMPARE_MS_MAX = 30_000;

type Frame = FeedFrame<RequestRecord>;
type Look = {
  readonly atMs: number;
  readonly fleet: Frame["fleet"];
  readonly jobs: Frame["jobs"];
  readonly jobsAtMs: number;
};

/** How far somebody has read; `START` has read nothing. */
export type Place = { readonly decisions: number; readonly events: number };
export const START: Place = { decisions: 0, events: 0 };

/** The last ones, numbered. */
class Ring<Item> {
  readonly #items: Item[] = [];
  #next = 0;

  get next(): number {
    return this.#next;
  }

  add(item: Item): void {
    this.#items.push(item);
    this.#next += 1;
    if (this.#items.length > SHOWN_MAX) this.#items.shift();
  }

  /** How many went. */
  remove(isMeant: (item: Item) => boolean): number {
    const left = this.#items.filter((item) => !isMeant(item));
    return this.#items.splice(0, this.#items.length, ...left).length - left.length;
  }

  since(place: number): readonly Item[] {
    const fresh = Math.min(this.#items.length, this.#next - place);
    return fresh <= 0 ? [] : this.#items.slice(-fresh);
  }
}

export class Picture {
  readonly #env: FeedEnv;
  readonly #lately = createLately(Date.now());
  readonly #decisions = new Ring<RequestRecord>();
  readonly #events = new Ring<Frame["events"][number]>();
  #look: Look | null = null;
  #looking: Promise<Look> | null = null;

  constructor(env: FeedEnv) {
    this.#env = env;
  }

  /** Something happened that frames are to tell. */
  tell(event: Frame["events"][number]): void {
    this.#events.add(event);
  }

  get place(): Place {
    return { decisions: this.#decisions.next, events: this.#events.next };
  }

  /** `figures`: of the report's deltas. */
  note({ records }: Report, figures: Figures): void {
    noteFigures(this.#lately, figures, Date.now());
    for (const record of records) this.#decisions.add(record);
  }

  /** Forgets the decisions of a tenant. */
  erase(tenant: string): number {
    return this.#decisions.remove((record) => record.tenant === tenant);
  }

  /** What is new for who has read up to `from`. */
  async frame(from: Place): Promise<Frame> {
    const { fleet, jobs } = await this.#recent();
    const atMs = Date.now();
    return {
      v: FRAME_VERSION,
      atMs,
      fleet,
      rates: ratesOf(this.#lately, totalOf(fleet), atMs),
      decisions: this.#decisions.since(from.decisions),
      jobs,
      events: this.#events.since(from.events),
    };
  }

  /** How these pools are now; null: none of their shards answered. */
  async gauges(pools: ReadonlySet<string>): Promise<Gauges | null> {
    const { parsed } = loadConfig(this.#env);
    if (!parsed.ok) return null;
    const known = [...pools].filter((poolId) => parsed.value.pools.has(poolId));
    const fleet = await this.#askShards(parsed.value, known);
    if (!fleet.some(({ reachable }) => reachable)) return null;
    return { ...totalOf(fleet), oldestQueuedMs: null };
  }

  async #recent(): Promise<Look> {
    const age = Date.now() - (this.#look?.atMs ?? 0);
    if (this.#look !== null && age >= 0 && age < LOOK_GAP_MS) return this.#look;
    this.#looking ??= this.#lookAround().finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #lookAround(): Promise<Look> {
    const { parsed } = loadConfig(this.#env);
    const atMs = Date.now();
    if (!parsed.ok) return { atMs, fleet: [], jobs: [], jobsAtMs: atMs };
    const config = parsed.value;
    const before = this.#look;
    const isJobsDue = before === null || atMs - before.jobsAtMs >= JOBS_GAP_MS;
    const [fleet, jobs] = await Promise.all([
      this.#askShards(config, config.pools.keys()),
      isJobsDue ? askQueues(this.#env, config).then((answers) => frameJobs(answers, atMs)) : before.jobs,
    ]);
    const look = { atMs, fleet, jobs, jobsAtMs: isJobsDue ? atMs : before.jobsAtMs };
    if (before !== null && atMs - before.atMs < COMPARE_MS_MAX) {
      for (const change of changesBetween(before.fleet, fleet)) this.#events.add({ atMs, ...change });
    }
    this.#look = look;
    return look;
  }

  async #askShards(config: Config, pools: Iterable<string>): Promise<Frame["fleet"]> {
    const specs = Array.from(pools, (poolId) => poolSpec(config, poolId));
    return frameFleet(await askFleet(specs, shardsOf(this.#env, config), false));
  }
}

function totalOf(fleet: Frame["fleet"]): Omit<Gauges, "oldestQueuedMs"> {
  const endpoints = fleet.flatMap((shard) => shard.endpoints);
  return {
    inFlight: sumOf(endpoints, ({ inFlight }) => inFlight),
    capacity: sumOf(endpoints, ({ capacity }) => capacity),
    queued: sumOf(fleet, ({ queued }) => queued ?? 0),
  };
}

const sumOf = <Item>(items: readonly Item[], value: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + value(item), 0);
