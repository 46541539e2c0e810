/**
 * Stargate's "wait and widen": wait for the nearest bucket of endpoints, and open a farther one only after a
 * part of what it would cost more.
 *
 * Source: NVIDIA NVCF, `load-balancer-configuration.md` (docs/reference/sources.md, Routers for inference). TTFT = round trip +
 * queue delay + prefill, queue delay 0 while active < max concurrency, else queued tokens / input tokens per ms.
 * Buckets of 20 ms; a bucket unlocks after 0.25 x its TTFT gap to the best has been waited; of the unlocked with room
 * two are drawn and the faster one is taken; after 60 s the request is refused (503).
 */
import { stream } from "../chance.ts";
import { twoOf } from "../policy.ts";
import { FREE_TAG, Recovery } from "../recovery.ts";
import type { FailureReason, Router, RouterFactory } from "../router.ts";
import type { World } from "../world.ts";

const STARGATE = { bucketMs: 20, gapShare: 0.25, waitMsMax: 60_000 } as const;

/**
 * Held requests that are looked at when a slot is released: their order differs by region, and a scan of all is O(n²).
 */
const HELD_SCAN = 16;

const WIDEN = FREE_TAG;

/** Times closer than this are the same, ms: a timer for less would not move the clock. */
const SAME_MS = 1e-6;

/** Endpoint, predicted TTFT. */
type Ranked = readonly [number, number];

export const stargate: RouterFactory = (world) => new Stargate(world);

class Stargate implements Router {
  readonly #world: World;
  readonly #rng: () => number;
  /** In order of arrival, with the time since which each waits. */
  readonly #held = new Map<number, number>();
  readonly #recovery: Recovery;

  constructor(world: World) {
    this.#world = world;
    this.#rng = stream(world.seed, "policy");
    this.#recovery = new Recovery(world, { route: (request, candidates) => this.#retry(request, candidates) });
  }

  arrive(request: number): void {
    this.#held.set(request, this.#world.nowMs);
    this.#try(request);
  }

  onEnd(attempt: number): void {
    this.#recovery.ended(attempt);
    this.#tryHeld();
  }

  onFailure(attempt: number, reason: FailureReason): void {
    this.#recovery.onFailure(attempt, reason);
    this.#tryHeld();
  }

  onTimer(tag: number, value: number): void {
    if (this.#recovery.onTimer(tag, value)) return;
    if (this.#held.has(value)) this.#try(value);
  }

  #tryHeld(): void {
    let left = HELD_SCAN;
    for (const request of this.#held.keys()) {
      if (left-- === 0) return;
      this.#try(request, false);
    }
  }

  /** Dispatches the request if an unlocked endpoint has room; else asks to be woken when the next bucket unlocks. */
  #try(request: number, rearm = true): void {
    const world = this.#world;
    const waitedMs = world.nowMs - (this.#held.get(request) ?? world.nowMs) + SAME_MS;
    const ranked = this.#rank(request, this.#recovery.admitting);
    const best = ranked[0]?.[1] ?? 0;
    const unlockMs = (ttftMs: number): number => STARGATE.gapShare * bucketGapMs(ttftMs - best);
    const open = ranked.filter(([endpoint, ttftMs]) => unlockMs(ttftMs) <= waitedMs && this.#hasRoom(endpoint));
    if (open.length > 0) {
      const [one, other] = twoOf(
        open.map((_, index) => index),
        this.#rng,
      );
      const [endpoint = 0] = open[Math.min(one, other)] ?? [];
      this.#held.delete(request);
      this.#recovery.dispatched(world.dispatch(request, endpoint));
    } else if (waitedMs >= STARGATE.waitMsMax) {
      this.#held.delete(request);
      world.shed(request, 1_000);
    } else if (rearm) {
      const next = ranked.map(([, ttftMs]) => unlockMs(ttftMs)).find((ms) => ms > waitedMs) ?? STARGATE.waitMsMax;
      world.timer(Math.min(next, STARGATE.waitMsMax) - waitedMs + SAME_MS, WIDEN, request);
    }
  }

  /** After a failure there is no more waiting: the best of what is left. */
  #retry(request: number, candidates: readonly number[]): void {
    const [endpoint = 0] = this.#rank(request, candidates)[0] ?? [];
    this.#recovery.dispatched(this.#world.dispatch(request, endpoint));
  }

  #hasRoom(endpoint: number): boolean {
    const { fleet, workload } = this.#world;
    return (fleet.inFlight[endpoint] ?? 0) < (workload.capacities[endpoint]?.slots ?? 0);
  }

  /** By predicted TTFT, the lowest first. */
  #rank(request: number, candidates: readonly number[]): readonly Ranked[] {
    const { requests, fleet, workload, engines } = this.#world;
    const region = requests.region[request] ?? 0;
    const promptTokens = requests.promptTokens[request] ?? 0;
    return candidates
      .map((endpoint): Ranked => {
        const tokensPerMs = workload.capacities[endpoint]?.prefillTokensPerMs ?? 1;
        const queueMs = this.#hasRoom(endpoint) ? 0 : (fleet.queuedTokens[endpoint] ?? 0) / tokensPerMs;
        const prefillMs = (promptTokens - engines.matchedTokens(endpoint, request)) / tokensPerMs;
        return [endpoint, this.#world.tripMs(region, endpoint) + queueMs + prefillMs];
      })
      .sort((one, other) => one[1] - other[1]);
  }
}

/** The start of the gap's bucket. */
function bucketGapMs(gapMs: number): number {
  return Math.floor(gapMs / STARGATE.bucketMs) * STARGATE.bucketMs;
}
