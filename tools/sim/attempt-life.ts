/**
 * The life of an attempt, from reaching its endpoint to the news back at its edge: every transition is here, once.
 *
 * Model. The endpoint's side (`STAGE`) and the edge's side (`EDGE`) change only by what reaches them. An attempt counts
 * as in flight until its end, its failure or its cancellation is known where the counting is done: the end and the
 * failure when they are back at the edge, a cancellation when it has reached the endpoint.
 */
import { EDGE, MARK, STAGE } from "./attempts.ts";
import { WARMTH } from "./endpoint-health.ts";
import type { EngineHost } from "./engines/port.ts";
import { EVENT } from "./event-kinds.ts";
import { OUTCOME } from "./outcomes.ts";
import { FAILURE_REASONS, type FailureReason } from "./router.ts";
import type { World } from "./world.ts";

export class AttemptLife implements EngineHost {
  readonly attempts: World["attempts"];
  readonly requests: World["requests"];
  readonly fleet: World["fleet"];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.attempts = world.attempts;
    this.requests = world.requests;
    this.fleet = world.fleet;
  }

  get nowMs(): number {
    return this.#world.nowMs;
  }

  // At the endpoint.

  reach(attempt: number): void {
    const { attempts } = this;
    const { health, outcomes } = this.#world;
    if (attempts.stage[attempt] === STAGE.gone) return;
    const endpoint = attempts.endpointOf(attempt);
    const refusal = health.refusal(endpoint);
    if (refusal !== null) {
      this.loses(attempt, refusal);
    } else if (health.holds(endpoint)) {
      attempts.stage[attempt] = STAGE.held;
      if (health.warmth[endpoint] === WARMTH.warm) return;
      outcomes.coldHits += 1;
      this.#world.wakeUp(endpoint);
    } else {
      this.submit(endpoint, attempt);
    }
  }

  /** A warm endpoint takes it. */
  submit(endpoint: number, attempt: number): void {
    const waitMs = this.#adapterWaitMs(endpoint, attempt);
    if (waitMs > 0) {
      this.#world.queue.push(this.nowMs + waitMs, EVENT.reach, attempt);
      return;
    }
    if (!this.#world.scenario.headersWithSlot) this.#sendHeaders(attempt, this.nowMs);
    this.#world.engines.submit(endpoint, attempt);
  }

  #adapterWaitMs(endpoint: number, attempt: number): number {
    const { adapters, workload } = this.#world;
    const adapter = workload.adapters?.[this.attempts.requestOf(attempt)];
    return adapters === null || adapter === undefined ? 0 : adapters.use(endpoint, adapter, this.nowMs);
  }

  wakeAt(atMs: number, endpoint: number, value: number): void {
    this.#world.queue.push(atMs, EVENT.engine, endpoint, value);
  }

  firstToken(attempt: number, atMs: number): void {
    if (this.#world.scenario.headersWithSlot) this.#sendHeaders(attempt, this.nowMs);
    const backMs = atMs + this.#tripBackMs(attempt);
    this.attempts.firstTokenMs[attempt] = backMs;
    this.#world.queue.push(backMs, EVENT.firstToken, attempt);
  }

  finished(attempt: number): void {
    this.attempts.stage[attempt] = STAGE.finished;
    this.#countUse(attempt);
    // Jitter must not bring the end before the first token.
    const backMs = Math.max(this.nowMs + this.#tripBackMs(attempt), this.attempts.firstTokenMs[attempt] ?? 0);
    this.#world.queue.push(backMs, EVENT.end, attempt);
    this.#left(attempt);
  }

  refused(attempt: number): void {
    this.loses(attempt, "full");
  }

  /** The attempt is lost at its endpoint; its edge learns the reason half a round trip later. */
  loses(attempt: number, reason: FailureReason): void {
    this.#countUse(attempt);
    this.attempts.stage[attempt] = STAGE.gone;
    this.#world.queue.push(
      this.nowMs + this.#tripBackMs(attempt),
      EVENT.failure,
      attempt,
      FAILURE_REASONS.indexOf(reason),
    );
    this.#left(attempt);
  }

  cancelReached(attempt: number): void {
    const { attempts } = this;
    const stage = attempts.stage[attempt];
    // What has finished or was lost is on its way back and is released there.
    if (stage === STAGE.finished || stage === STAGE.gone) return;
    this.#countUse(attempt);
    if (stage === STAGE.waiting || stage === STAGE.running) {
      this.#world.engines.cancel(attempts.endpointOf(attempt), attempt);
    }
    attempts.stage[attempt] = STAGE.gone;
    this.#release(attempt);
    this.#left(attempt);
  }

  // Back at the edge.

  headersBack(attempt: number): void {
    // Jitter may bring them after the first token, with which they are then.
    if (this.attempts.edge[attempt] === EDGE.open) this.#world.router.onHeaders?.(attempt);
  }

  firstTokenBack(attempt: number): void {
    const { attempts } = this;
    const { outcomes, router, nowMs } = this.#world;
    if (attempts.edge[attempt] !== EDGE.open) return;
    attempts.edge[attempt] = EDGE.firstToken;
    const request = attempts.requestOf(attempt);
    const endpoint = attempts.endpointOf(attempt);
    const tokens = this.requests.promptTokens[request] ?? 0;
    attempts.marks[attempt] = (attempts.marks[attempt] ?? 0) | MARK.tokensMoved;
    this.fleet.add("queuedTokens", endpoint, -tokens);
    this.fleet.add("runningTokens", endpoint, tokens);
    if ((outcomes.winner[request] ?? 0) < 0) {
      outcomes.winner[request] = attempt;
      outcomes.servedBy[request] = endpoint;
      outcomes.ttftMs[request] = nowMs - (this.requests.arrivalMs[request] ?? 0);
    }
    router.onFirstToken?.(attempt);
  }

  endBack(attempt: number): void {
    const { attempts } = this;
    const { outcomes, router } = this.#world;
    this.#release(attempt);
    if (attempts.edge[attempt] !== EDGE.firstToken) return;
    attempts.edge[attempt] = EDGE.ended;
    const request = attempts.requestOf(attempt);
    if (outcomes.winner[request] === attempt && outcomes.settle(request, OUTCOME.served)) {
      outcomes.e2eMs[request] = this.nowMs - (this.requests.arrivalMs[request] ?? 0);
    }
    router.onEnd?.(attempt);
  }

  failureBack(attempt: number, reasonIndex: number): void {
    const { attempts } = this;
    const { outcomes, router } = this.#world;
    this.#release(attempt);
    const edge = attempts.edge[attempt];
    if (edge !== EDGE.open && edge !== EDGE.firstToken) return;
    const broken = edge === EDGE.firstToken;
    attempts.edge[attempt] = EDGE.failed;
    outcomes.failures += 1;
    const request = attempts.requestOf(attempt);
    if (broken && outcomes.winner[request] === attempt) outcomes.settle(request, OUTCOME.failed);
    router.onFailure?.(attempt, broken ? "broken" : (FAILURE_REASONS[reasonIndex] ?? "error"));
  }

  #sendHeaders(attempt: number, atMs: number): void {
    const { router, queue } = this.#world;
    if (router.onHeaders !== undefined) queue.push(atMs + this.#tripBackMs(attempt), EVENT.headers, attempt);
  }

  /** Delay of one message back to the client's edge, over the region that dispatched, ms. */
  #tripBackMs(attempt: number): number {
    const { network } = this.#world;
    const via = this.attempts.via[attempt] ?? 0;
    const client = this.requests.region[this.attempts.requestOf(attempt)] ?? 0;
    const backMs = network.oneWayMs(this.#world.regionOf(this.attempts.endpointOf(attempt)), via);
    return via === client ? backMs : backMs + network.oneWayMs(via, client);
  }

  #release(attempt: number): void {
    const { attempts } = this;
    const marks = attempts.marks[attempt] ?? 0;
    if ((marks & MARK.released) !== 0) return;
    attempts.marks[attempt] = marks | MARK.released;
    const endpoint = attempts.endpointOf(attempt);
    const tokens = this.requests.promptTokens[attempts.requestOf(attempt)] ?? 0;
    this.fleet.add("inFlight", endpoint, -1);
    this.fleet.add((marks & MARK.tokensMoved) === 0 ? "queuedTokens" : "runningTokens", endpoint, -tokens);
  }

  /** Adds up slot time; call it before the stage leaves `running`, or at a finish. */
  #countUse(attempt: number): void {
    const { outcomes } = this.#world;
    const stage = this.attempts.stage[attempt];
    if (stage !== STAGE.running && stage !== STAGE.finished) return;
    const usedMs = this.nowMs - (this.attempts.startedMs[attempt] ?? 0);
    outcomes.usedMs += usedMs;
    const winner = outcomes.winner[this.attempts.requestOf(attempt)] ?? -1;
    const serves = stage === STAGE.finished && (winner < 0 || winner === attempt);
    if (!serves || this.attempts.edge[attempt] === EDGE.cancelled) outcomes.wastedMs += usedMs;
  }

  /** An attempt is no longer at its endpoint. */
  #left(attempt: number): void {
    const endpoint = this.attempts.endpointOf(attempt);
    const { router, health } = this.#world;
    health.mayGoIdle(endpoint);
    router.onRelease?.(endpoint);
  }
}
