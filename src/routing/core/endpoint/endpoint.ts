/**
 * What the owning shard knows of one endpoint: warmth, health, breaker and learned delays, and how events change them.
 *
 * Model. Three closed state machines side by side. Warmth (cold, warming, warm) says whether the model is loaded;
 * health (up, suspect, down) is what probes say; the breaker (closed, open, half_open) is what real attempts say.
 * A failure is never a latency: it feeds `risk` and the breaker, and no estimate of a delay. An answer of "no room" is
 * neither. It sets the slots to what it showed, also to none (`capacity-cut.ts`), once it is known that it was not
 * about one request alone (`room-doubt.ts`).
 * Source: docs/reference/sources.md, Cost model.
 */
import type { Health } from "./endpoint-state.ts";
import type { EndpointState } from "./endpoint-state.ts";
import { breakerDisputed, breakerFailed, breakerServed, breakerStanding, CLOSED, ejectedForMs } from "./breaker.ts";
import { CUT_ASKED_MS_MAX, cutForMs, cutSlots, endedCut, grantedCut, refusedCut } from "./capacity-cut.ts";
import type { EndpointView, Standing, ViewBeside, Warmth } from "./endpoint-view.ts";
import { foreignNow, heardEngine, withAdaptersTold } from "./engine-report.ts";
import type { EngineReport } from "./engine-report.ts";
import { IN_TIME, lateMs, observeInTime, observeLate } from "./lateness.ts";
import { learnDelays, learnFirstByte, learnNoRoom, learnWorker, NOTHING_AHEAD } from "./endpoint-learn.ts";
import type { LineSeen } from "./endpoint-learn.ts";
import { createFirstByteTimes } from "./first-byte.ts";
import { createGpuWorkers } from "./gpu-workers.ts";
import { createLearnedLimit, limitOf } from "./learned-limit.ts";
import { createPromptCache, noteCacheSize } from "./prompt-cache.ts";
import { createReading, observeCounted, speedOf } from "./reading.ts";
import { acceptedBeside, NO_EVIDENCE, refusedBeside } from "./room-doubt.ts";
import type { EndpointSpec } from "../pool.ts";
import { createCountEwma } from "../../../lib/ewma.ts";
import type { Rng } from "../../../lib/rng.ts";
import type { AttemptFailure, Settlement } from "../shard-messages.ts";
import { coldLeftMs, createColdStart, observeColdStart } from "../cost/terms/cold.ts";
import { createLoadCurve, readLoadCurve } from "../cost/terms/load.ts";
import { expectRoundTrip, measuredRoundTrips, readRoundTrip } from "../cost/terms/net.ts";
import type { NetInput } from "../cost/terms/net.ts";
import {
  countTry,
  createFailureCost,
  createTries,
  failureProbability,
  observeFailureCost,
} from "../cost/terms/risk.ts";
import { createOccupancy } from "../cost/terms/wait.ts";

/** Failed probes in a row until an endpoint is down: one may be a lost packet. */
export const PROBE_FAILURES_MAX = 2;
/**
 * After its idle time-out an endpoint that scales to zero counts as warm only so long after a probe has said so, ms.
 */
export const READY_TRUST_MS = 10_000;
/**
 * Least time between two wake-ups, ms: an endpoint whose cold start seems to take none is not woken by every request.
 */
export const WAKE_GAP_MS_MIN = 1_000;
/** An endpoint that becomes ready gets its slots over this time, ms, beginning with a tenth (Envoy's slow start). */
export const SLOW_START_MS = 8_000;
const SLOW_START_FLOOR = 0.1;
/** Length of an answer before any was counted, tokens: between a chat's and an agent's. */
export const OUTPUT_TOKENS_PRIOR = 200;
/** The last twenty answers, as for the occupancy. */
const OUTPUT_ALPHA = 0.05;

export function createEndpoint(spec: EndpointSpec, now: number): EndpointState {
  return {
    spec,
    warmth: spec.workersMin > 0 ? "warm" : "cold",
    warmthSinceMs: now,
    coldStartBeganMs: null,
    health: "up",
    drained: false,
    probeFailures: 0,
    breaker: CLOSED,
    warmWorkers: spec.workersMin,
    workers: createGpuWorkers(),
    limit: spec.concurrencyPerWorker === null ? createLearnedLimit(now) : null,
    lastUsedMs: Number.NEGATIVE_INFINITY,
    lastReadyMs: Number.NEGATIVE_INFINITY,
    readyAtMs: Number.NEGATIVE_INFINITY,
    capacityCut: null,
    room: NO_EVIDENCE,
    engine: null,
    inherited: null,
    wokenAtMs: Number.NEGATIVE_INFINITY,
    occupancyMs: createOccupancy(),
    coldStartMs: createColdStart(spec.coldStartMs),
    reading: createReading(spec.prefillTokensPerMs),
    cache: createPromptCache(),
    outputTokens: createCountEwma({ priorValue: OUTPUT_TOKENS_PRIOR, alpha: OUTPUT_ALPHA }),
    failureCostMs: createFailureCost(),
    roundTripMs: new Map(),
    firstByte: createFirstByteTimes(),
    late: IN_TIME,
    load: createLoadCurve(),
    tries: createTries(now),
  };
}

/** The endpoint at `now` with `live` live leases, as a router sees it. */
export function endpointView(
  state: EndpointState,
  live: number,
  now: number,
  { client = null, regionTripMs = NO_TRIPS, workTokens = 0, kvUsed = 0 }: ViewBeside = {},
): EndpointView {
  const { spec, cache } = state;
  const warmth = warmthNow(state, live, now);
  const report = state.engine?.report;
  const view: EndpointView = {
    id: spec.id,
    region: spec.region,
    place: spec.place,
    warmth,
    coldMs: coldLeftMs(warmth, state.coldStartMs.value, now - state.warmthSinceMs),
    standing: standing(state, now),
    ejectedForMs: ejectedForMs(state.breaker, now),
    inFlight: live + inheritedNow(state, now) + foreignNow(state.engine, now),
    capacity: capacityNow(state, now),
    refusesForMs: cutForMs(state.capacityCut, now),
    queuesExcess: spec.queuesExcess && !isTried(state, now),
    occupancyMs: state.occupancyMs.value,
    lateMs: lateMs(state.late, now),
    loadCurveMs: readLoadCurve(state.load, now),
    prefillTokensPerMs: speedOf(state.reading),
    workTokens,
    kvUsed,
    kvMax: report?.kvTokensMax ?? null,
    outputTokens: state.outputTokens.value,
    cacheWritten: cache.written,
    cacheKeeps: cache.keeps,
    failureProbability: failureProbability(state.tries, now),
    failureCostMs: state.failureCostMs.value,
    roundTripMs: client === null ? measuredRoundTrips(state.roundTripMs, now, regionTripMs) : NO_TRIPS,
    regionTripMs,
    tripMs: client === null ? null : tripOf(state, client, now),
  };
  return withAdaptersTold(view, report);
}

const tripOf = ({ roundTripMs }: EndpointState, { key, regionMs }: NonNullable<ViewBeside["client"]>, now: number) =>
  readRoundTrip(roundTripMs, key, now, regionMs ?? undefined) ?? regionMs;

const NO_TRIPS: Readonly<Record<string, number>> = {};

/**
 * Scale-in: an endpoint that scales to zero and was idle for longer than its time-out is presumed cold, unless a probe
 * has just found it ready. `live` as for `endpointView`.
 */
export function warmthNow(state: EndpointState, live: number, now: number): Warmth {
  const { warmth, spec } = state;
  if (warmth !== "warm" || spec.workersMin > 0 || live > 0) return warmth;
  const isIdle = now - Math.max(state.lastUsedMs, state.warmthSinceMs) > spec.idleTimeoutMs;
  return isIdle && now - state.lastReadyMs > READY_TRUST_MS ? "cold" : "warm";
}

/** Requests one warm GPU worker serves at once: configured, or learned. */
export function concurrencyOf({ spec, limit }: EndpointState): number {
  return spec.concurrencyPerWorker ?? (limit === null ? 1 : limitOf(limit));
}

/** An attempt for a client is about to be sent there, beside `inFlightThere` others. */
export function noteGranted(state: EndpointState, client: NetInput, inFlightThere: number, now: number): void {
  state.lastUsedMs = now;
  if (state.capacityCut !== null) state.capacityCut = grantedCut(state.capacityCut, inFlightThere, now);
  expectRoundTrip(state.roundTripMs, client, state.spec.place);
}

/** What a probe found. `warmWorkers` is null where the endpoint does not tell. */
export type ProbeResult =
  | {
      readonly kind: "ready";
      readonly warmWorkers: number | null;
      /** What the engine says of its load; absent: nothing. */
      readonly engine?: EngineReport;
    }
  | { readonly kind: "warming" }
  | { readonly kind: "cold" }
  | { readonly kind: "draining" }
  | { readonly kind: "failed"; readonly failure?: AttemptFailure };

/** `live` as for `endpointView`. */
export function observeProbe(state: EndpointState, result: ProbeResult, now: number, live = 0): void {
  if (result.kind === "failed") {
    state.probeFailures += 1;
    if (state.probeFailures >= PROBE_FAILURES_MAX) state.health = "down";
    // One that drains takes no traffic again because it went silent.
    else if (state.health !== "draining") state.health = "suspect";
    return;
  }
  state.probeFailures = 0;
  setHealth(state, result.kind === "draining" ? "draining" : "up", now);
  switch (result.kind) {
    case "ready":
      state.warmWorkers = Math.max(1, result.warmWorkers ?? state.spec.workersMin);
      state.lastReadyMs = now;
      if (result.engine !== undefined) hearEngine(state, result.engine, live, now);
      setWarmth(state, "warm", now);
      break;
    case "warming":
      setWarmth(state, "warming", now);
      break;
    case "cold":
      // A wake-up takes a while to show: until its cold start should be over, nothing yet is not nothing.
      if (!(state.warmth === "warming" && isWoken(state, now))) setWarmth(state, "cold", now);
      break;
    case "draining":
      break;
  }
}

function hearEngine(state: EndpointState, report: EngineReport, live: number, now: number): void {
  const words = heardEngine(state.engine, report, now, live + inheritedNow(state, now));
  state.engine = words;
  if (report.kvTokensMax !== undefined) noteCacheSize(state.cache, report.kvTokensMax);
  if (words.readSince !== null) observeCounted(state.reading, words.readSince.tokens, words.readSince.busyMs);
}

/** An earlier incarnation of the shard found it gone: so it is until a probe finds otherwise. */
export function presumeDown(state: EndpointState): void {
  state.health = "down";
  state.probeFailures = PROBE_FAILURES_MAX;
}

/**
 * An operator takes the endpoint out of traffic, or puts it back; false when it was so already. It gets its slots back
 * at once: what happened to it meanwhile is for probes to say, and they are what begins a slow start.
 */
export function setDrained(state: EndpointState, drained: boolean): boolean {
  if (state.drained === drained) return false;
  state.drained = drained;
  return true;
}

/**
 * One wake-up a need: true once, then not again before the cold start it began should be over. `live` as for
 * `endpointView`.
 */
export function claimWake(state: EndpointState, live: number, now: number): boolean {
  if (warmthNow(state, live, now) === "warm" || isWoken(state, now)) return false;
  state.wokenAtMs = now;
  // One that was only presumed cold may be ready at once, and says nothing of a cold start.
  setWarmth(state, "warming", now);
  return true;
}

/** A wake-up was sent, and the cold start it began may still be under way. */
function isWoken(state: EndpointState, now: number): boolean {
  return now - state.wokenAtMs < Math.max(WAKE_GAP_MS_MIN, state.coldStartMs.value);
}

/**
 * Feeds what an attempt showed. Returns true when a probe should look at the endpoint now. `line`: what was known of its
 * prompt; null: nothing, its lease is not known.
 */
export function observeAttempt(
  state: EndpointState,
  seen: Settlement,
  now: number,
  rng: Rng,
  line: LineSeen | null = NOTHING_AHEAD,
): boolean {
  learnRoom(state, seen, now, rng);
  learnFirstByte(state, seen, now);
  learnWorker(state, seen, now);
  if (seen.outcome !== "unused") state.lastUsedMs = now;
  switch (seen.outcome) {
    case "unused":
    case "cancelled":
      return false;
    case "capacity":
      return true;
    case "disputed":
      state.breaker = breakerDisputed(state.breaker, now);
      return true;
    case "failed":
      state.tries = countTry(state.tries, 1, now);
      state.failureCostMs = observeFailureCost(state.failureCostMs, seen.heldMs);
      state.breaker = breakerFailed(state.breaker, now);
      if (state.health === "up") state.health = "suspect";
      return true;
    case "late":
      state.late = observeLate(state.late, seen.heldMs, now);
      return true;
    case "cut":
      // As bad for the client as no answer, and worse to repeat: it counts in full. What it cost is not known, because
      // nobody repeats it. Envoy's outlier detection also counts a reset alike before and after the headers.
      state.tries = countTry(state.tries, 1, now);
      state.breaker = breakerFailed(state.breaker, now);
      return true;
    case "client_fault":
    case "served":
      state.tries = countTry(state.tries, 0, now);
      if (breakerStanding(state.breaker, now) === "half_open") state.readyAtMs = now;
      state.breaker = breakerServed(state.breaker, now);
      if (seen.outcome === "served") {
        state.late = observeInTime(state.late, now);
        setWarmth(state, "warm", now);
        if (seen.isHeld !== true) learnDelays(state, seen, line, slotsOf(state), now);
      }
      return false;
  }
}

/**
 * Its shard has restarted and knows no lease yet, but requests are still running under those of before. Until their
 * holders report, `count` is assumed to be in flight, and fades to 0 over `fadeMs`: by then every lease was renewed or
 * has expired.
 */
export function inheritInFlight(state: EndpointState, count: number, fadeMs: number, now: number): void {
  state.inherited = count > 0 && fadeMs > 0 ? { count, atMs: now, fadeMs } : null;
}

/** A lease from before the restart was renewed or settled: it is counted by itself now, so one less is assumed. */
export function claimInherited(state: EndpointState): void {
  if (state.inherited !== null) state.inherited.count = Math.max(0, state.inherited.count - 1);
}

function setWarmth(state: EndpointState, warmth: Warmth, now: number): void {
  if (state.warmth === warmth) return;
  const beganMs = state.coldStartBeganMs;
  // Warming that began as warm, or before anyone looked, says nothing of a whole cold start.
  state.coldStartBeganMs = warmth === "warming" && state.warmth === "cold" ? now : null;
  if (warmth === "warm") {
    if (beganMs !== null) state.coldStartMs = observeColdStart(state.coldStartMs, now - beganMs);
    state.readyAtMs = now;
    state.wokenAtMs = Number.NEGATIVE_INFINITY;
    state.warmWorkers = Math.max(1, state.warmWorkers);
  }
  state.warmth = warmth;
  state.warmthSinceMs = now;
}

function setHealth(state: EndpointState, health: Health, now: number): void {
  if (health === "up" && (state.health === "down" || state.health === "draining")) state.readyAtMs = now;
  // It is another life: what the last one's attempts showed is over with their rest. One long answer on trial would
  // keep it at a single slot; the slow start lets in little more, and grows.
  if (health === "up" && state.health === "down" && breakerStanding(state.breaker, now) === "half_open")
    state.breaker = CLOSED;
  state.health = health;
}

/** Half open, or found full lately: then it gets what `capacity` says and nothing ahead of that. */
function isTried(state: EndpointState, now: number): boolean {
  return breakerStanding(state.breaker, now) === "half_open" || cutSlots(state.capacityCut, now) < slotsOf(state);
}

/** Does it take traffic, and if not, why. */
export function standing(state: EndpointState, now: number): Standing {
  if (state.drained) return "draining";
  if (state.health === "draining" || state.health === "down") return state.health;
  return breakerStanding(state.breaker, now) === "open" ? "ejected" : "admitting";
}

/** Nothing more may be sent there for now: it said that it has no room. */
export const isRefusing = ({ capacityCut }: EndpointState, now: number): boolean => cutForMs(capacityCut, now) > 0;

/** Requests it serves at once, but for what it may take for the moment. */
export const slotsOf = (state: EndpointState): number => Math.max(1, state.warmWorkers) * concurrencyOf(state);

/** One that becomes ready begins with a slot at least; only a refusal leaves none. */
function capacityNow(state: EndpointState, now: number): number {
  const left = cutSlots(state.capacityCut, now);
  if (breakerStanding(state.breaker, now) === "half_open") return Math.min(1, left);
  const grown = Math.max(SLOW_START_FLOOR, Math.min(1, (now - state.readyAtMs) / SLOW_START_MS));
  return Math.min(Math.max(1, Math.floor(slotsOf(state) * grown)), left);
}

/** A refusal shows how much room there is, unless it is one request's own; what was not refused, that there is more. */
function learnRoom(state: EndpointState, seen: Settlement, now: number, rng: Rng): void {
  const { outcome, inFlightAtGrant: inFlight, retryAfterMs, request = null } = seen;
  if (outcome === "capacity") {
    const askedMs = Math.min(CUT_ASKED_MS_MAX, retryAfterMs ?? 0);
    const proven = { evidence: state.room, waitMs: askedMs };
    const { evidence, waitMs } =
      request === null ? proven : refusedBeside(state.room, { inFlight, request, askedMs }, now);
    state.room = evidence;
    if (waitMs !== null) {
      learnNoRoom(state, seen, now);
      state.capacityCut = refusedCut(state.capacityCut, { inFlight, retryAfterMs: waitMs }, now, rng);
      return;
    }
  }
  const wasServed = outcome === "served" || outcome === "client_fault" || outcome === "cut";
  if (wasServed) {
    const answeredMs = seen.headersMs ?? seen.firstByteMs ?? seen.ttftMs ?? seen.heldMs;
    state.room = acceptedBeside(state.room, inFlight, now - seen.heldMs + answeredMs);
  }
  const cut = state.capacityCut;
  if (cut === null) return;
  state.capacityCut = endedCut(cut, inFlight, wasServed, now);
  // Slowly from the slots that it kept, not from none.
  if (state.capacityCut === null) state.readyAtMs = now - SLOW_START_MS * Math.min(1, cut.slots / slotsOf(state));
}

function inheritedNow(state: EndpointState, now: number): number {
  if (state.inherited === null) return 0;
  const { count, atMs, fadeMs } = state.inherited;
  return Math.ceil(count * Math.max(0, 1 - (now - atMs) / fadeMs));
}
