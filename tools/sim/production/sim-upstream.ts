/**
 * The simulated endpoints behind the seam of an attempt (`src/dispatch/upstream.ts`): what HTTP is in production.
 *
 * Model. The world tells of headers, of the first token, of the end and of failures, at the instants at which they are at
 * the edge; each becomes what an attempt would have heard. A refused or reset connection rejects; an error of an endpoint is
 * a 500 in its own words, want of room a 429. The pump of an answer ends when the world says so, or when its attempt is
 * given up.
 */
import { noteAsked } from "../../../src/dispatch/core/reach-step.ts";
import type { Attempt } from "../../../src/dispatch/attempt.ts";
import type { Asking, Heard, Upstream, Way } from "../../../src/dispatch/upstream.ts";
import type { AttemptOutcome } from "../../../src/routing/core/shard-messages.ts";
import type { FailureReason } from "../router.ts";
import type { World } from "../world.ts";
import type { ProductionOptions } from "./options.ts";
import type { ScenarioPool } from "./pool-of.ts";
import type { Ending, RequestLife, SimAttempt } from "./requests.ts";
import type { Watch } from "./watch.ts";
import type { Wire } from "./wire.ts";

/** What an answer is here: which attempt of the world brings it. */
export type SimReply = SentAttempt;

export type SimUpstreamSetup = {
  readonly world: World;
  readonly wire: Wire;
  readonly pool: ScenarioPool;
  readonly options: ProductionOptions;
  readonly watch: Watch | null;
};

/** One attempt under way, and who waits for its news. Written in place. */
type SentAttempt = SimAttempt & {
  readonly asking: Asking;
  readonly heard: (heard: Heard<SimReply>) => void;
  readonly lost: (error: Error) => void;
  /** Who waits for its end. */
  ended: ((outcome: AttemptOutcome) => void) | null;
};

export class SimUpstream {
  /** Attempts that their edges wait for, by the world's number. */
  readonly running = new Map<number, SimAttempt>();
  readonly #sent = new Map<number, SentAttempt>();
  readonly #setup: SimUpstreamSetup;

  constructor(setup: SimUpstreamSetup) {
    this.#setup = setup;
  }

  for(life: RequestLife): Upstream<SimReply> {
    return {
      to: (endpointId) => this.#way(life, endpointId),
      // No client sends the same request twice.
      hash: async () => String(life.request),
    };
  }

  // Told by the world.

  onHeaders(attempt: number): void {
    const sent = this.#sent.get(attempt);
    if (sent === undefined || sent.hasHeaders) return;
    sent.hasHeaders = true;
    sent.asking.onHeaders(undefined);
  }

  onFirstToken(attempt: number): void {
    const sent = this.#sent.get(attempt);
    if (sent === undefined) return;
    this.onHeaders(attempt);
    sent.hasBegun = true;
    sent.heard({
      kind: "begun",
      reply: sent,
      status: 200,
      isTooLong: false,
      isOver: false,
      hasToken: true,
      usage: null,
    });
    this.#setup.world.turn();
  }

  onEnd(attempt: number): void {
    const sent = this.#over(attempt, "ended");
    sent?.ended?.("served");
  }

  onFailure(attempt: number, reason: FailureReason): void {
    const sent = this.#over(attempt, reason);
    if (sent === undefined) return;
    const { heard, lost, ended } = sent;
    if (reason === "broken") return ended?.("cut");
    if (reason === "refused" || reason === "reset") return lost(new Error(reason));
    // It has answered, and that was its answer.
    if (!sent.hasHeaders) sent.asking.onHeaders(undefined);
    if (reason === "full") heard({ kind: "no_room", status: 429, shown: "", retryAfterMs: null, isNobodys: false });
    else heard({ kind: "failed", status: 500, shown: "" });
  }

  /** The pump of an answer: resolves with how it ended. */
  async through(attempt: Attempt, sent: SimReply): Promise<AttemptOutcome> {
    const outcome = await this.#end(attempt, sent);
    if (outcome === "served") attempt.usage = this.#counted(sent);
    return outcome;
  }

  async #end({ timedOut }: Attempt, sent: SimReply): Promise<AttemptOutcome> {
    // Its end may be here already.
    if (sent.ending === "ended") return "served";
    if (sent.ending !== null) return timedOut || sent.ending === "given_up" ? "cancelled" : "cut";
    return new Promise((resolve) => {
      sent.ended = resolve;
    });
  }

  /** What an engine says at the end that it counted; a server of slots counts nothing. */
  #counted({ of, attempt }: SimAttempt): Attempt["usage"] {
    const { attempts, requests, scenario } = this.#setup.world;
    if (scenario.engine.kind !== "step") return null;
    return {
      promptTokens: requests.promptTokens[of.request] ?? 0,
      cachedTrue: attempts.cachedTokens[attempt] ?? 0,
      outputTokens: requests.outputTokens[of.request] ?? 0,
    };
  }

  #way(life: RequestLife, endpointId: string): Way<SimReply> | null {
    const { pool, options } = this.#setup;
    const endpoint = pool.indexOf.get(endpointId);
    if (endpoint === undefined) return null;
    return {
      endpointId,
      executionTimeoutMs: options.executionTimeoutMs,
      reach: life.edge.reachOf(endpoint),
      // Requests are known in tokens here: there is no size of a token to be learned.
      noteTokens: () => undefined,
      askHealth: async (limitMs) => this.#askHealth(life, endpoint, limitMs),
      ask: async (asking) => this.#ask(life, endpointId, endpoint, asking),
    };
  }

  async #ask(life: RequestLife, endpointId: string, endpoint: number, asking: Asking): Promise<Heard<SimReply>> {
    const { world, watch } = this.#setup;
    return new Promise((heard, lost) => {
      const sent: SentAttempt = {
        of: life,
        attempt: world.dispatch(life.request, endpoint),
        endpointId,
        region: world.scenario.regions[world.regionOf(endpoint)]?.name ?? "",
        sentAtMs: world.nowMs,
        isBeside: life.attempts.some(({ overAtMs }) => overAtMs === null),
        hasHeaders: false,
        hasBegun: false,
        overAtMs: null,
        ending: null,
        asking,
        heard,
        lost,
        ended: null,
      };
      this.#sent.set(sent.attempt, sent);
      this.running.set(sent.attempt, sent);
      asking.signal.addEventListener("abort", () => this.#giveUp(sent));
      watch?.dispatched(sent);
      life.attempts.push(sent);
    });
  }

  #giveUp(sent: SentAttempt): void {
    if (this.#over(sent.attempt, "given_up") === undefined) return;
    this.#setup.world.cancel(sent.attempt);
    sent.lost(new Error("given up"));
    sent.ended?.("cancelled");
  }

  /** Nothing more is heard of it. */
  #over(attempt: number, ending: Ending): SentAttempt | undefined {
    const { world } = this.#setup;
    const sent = this.#sent.get(attempt);
    if (sent === undefined) return undefined;
    this.#sent.delete(attempt);
    this.running.delete(attempt);
    sent.overAtMs = world.nowMs;
    sent.ending = ending;
    world.turn();
    return sent;
  }

  /** Any answer tells that somebody is there; a silent one is waited for. */
  async #askHealth({ edge }: RequestLife, endpoint: number, limitMs: number): Promise<void> {
    const { world, wire } = this.#setup;
    const to = world.regionOf(endpoint);
    const reach = edge.reachOf(endpoint);
    let isOpen = true;
    return new Promise((resolve) => {
      const answered = (isThere: boolean) => (): void => {
        if (!isOpen) return;
        isOpen = false;
        noteAsked(reach, isThere, world.nowMs);
        resolve();
        world.turn();
      };
      wire.later(limitMs, answered(false));
      wire.later(world.network.oneWayMs(edge.region, to), () => {
        if (world.health.probesUp(endpoint)) wire.later(world.network.oneWayMs(to, edge.region), answered(true));
      });
    });
  }
}
