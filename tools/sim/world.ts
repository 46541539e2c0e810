/**
 * The simulated world: virtual time, messages with their delay, endpoints, and the calls a router may make.
 *
 * Model. A discrete-event loop. Requests arrive in their own order beside the heap; everything else is an event of three
 * numbers. An attempt travels half a round trip to its endpoint; its first token and its end travel half a round trip
 * back. Time to first token runs from the request's arrival at the edge to the first token there. Same scenario, same
 * seed, same router: same events, and `hash` proves it.
 * Code that ships is written with promises. They are settled by events, and after such an event the loop waits for one
 * macrotask, by which all that follows from them has run; virtual time stands meanwhile, so the order stays the seed's.
 * Rejected: a macrotask after every event, which costs more than most events; stepping in fixed ticks, which is either slow or wrong by a tick.
 */
import { invariant } from "../../src/lib/invariant.ts";
import { AttemptLife } from "./attempt-life.ts";
import { ResidentAdapters } from "./adapters.ts";
import { Attempts, EDGE } from "./attempts.ts";
import { stream } from "./chance.ts";
import { EndpointHealth } from "./endpoint-health.ts";
import type { Engines } from "./engines/port.ts";
import { SlotsEngines } from "./engines/slots.ts";
import { StepEngines } from "./engines/step.ts";
import { EVENT } from "./event-kinds.ts";
import { EventQueue } from "./events.ts";
import { Fleet } from "./fleet.ts";
import { Network } from "./network.ts";
import { ShareSampler } from "./oscillation.ts";
import { OUTCOME, Outcomes } from "./outcomes.ts";
import type { Router, RouterFactory } from "./router.ts";
import type { Scenario } from "./scenario.ts";
import { TraceHash } from "./trace-hash.ts";
import type { Workload } from "./workload.ts";

/** Virtual time between two samples of the share of in-flight by endpoint, ms. */
const SAMPLE_MS = 1_000;

/** A run ends this long after its last arrival whatever is still open, ms: an hour shows that nothing will come. */
const DRAIN_MS_MAX = 3_600_000;

export type WorldOptions = { readonly scenario: Scenario; readonly workload: Workload; readonly seed: number };

export class World {
  nowMs = 0;
  /** Calls that edges made to shards. */
  shardCalls = 0;
  readonly scenario: Scenario;
  readonly workload: Workload;
  readonly requests: Workload["requests"];
  readonly seed: number;
  readonly attempts: Attempts;
  readonly outcomes: Outcomes;
  readonly fleet: Fleet;
  readonly network: Network;
  readonly engines: Engines;
  readonly health: EndpointHealth;
  readonly shares: ShareSampler;
  /** Null: the scenario has none. */
  readonly adapters: ResidentAdapters | null;
  readonly hash = new TraceHash();
  /** Told of every event after it was handled, with all that followed at once: where checkers look. */
  observer: ((kind: number, a: number, b: number) => void) | null = null;

  readonly queue = new EventQueue(4_096);
  router: Router = { arrive: () => undefined };

  readonly #life: AttemptLife;
  /** The request that arrives next. */
  #next = 0;
  #isTurnDue = false;
  /** The event of now. */
  #kind = 0;
  #a = 0;
  #b = 0;
  #thrown: { readonly error: unknown } | null = null;

  constructor({ scenario, workload, seed }: WorldOptions) {
    const { endpoints, engine } = scenario;
    this.scenario = scenario;
    this.workload = workload;
    this.requests = workload.requests;
    this.seed = seed;
    this.attempts = new Attempts(workload.requests.count + 64);
    this.outcomes = new Outcomes(workload.requests.count);
    this.fleet = new Fleet(endpoints.length);
    this.network = new Network(scenario.roundTripMs, {
      jitterSigma: scenario.jitterSigma,
      delays: stream(seed, "network"),
      losses: stream(seed, "losses"),
    });
    this.#life = new AttemptLife(this);
    this.engines =
      engine.kind === "slots"
        ? new SlotsEngines(this.#life, endpoints, engine.firstTokenShare)
        : new StepEngines(this.#life, endpoints, engine);
    this.shares = new ShareSampler(endpoints.length);
    this.adapters = scenario.adapters === null ? null : new ResidentAdapters(scenario.adapters, endpoints.length);
    this.health = new EndpointHealth(this, this.#life, stream(seed, "faults"));
  }

  /** Runs to the end: every request has its outcome, or DRAIN_MS_MAX is over. Once per world. */
  async run(factory: RouterFactory): Promise<void> {
    this.#begin(factory);
    while (!this.#advance()) {
      await macrotask();
      if (this.#thrown !== null) throw this.#thrown.error;
    }
  }

  /** The same, at once, for a router that makes no promises. */
  runAtOnce(factory: RouterFactory): void {
    this.#begin(factory);
    invariant(this.#advance(), "a router that makes promises needs `run`");
  }

  #begin(factory: RouterFactory): void {
    this.router = factory(this);
    for (const [index, { fromMs, toMs }] of this.workload.faults.entries()) {
      this.queue.push(fromMs, EVENT.fault, index, 1);
      this.queue.push(toMs, EVENT.fault, index, 0);
    }
    this.queue.push(SAMPLE_MS, EVENT.sample);
  }

  /** Handles events up to the end, or until a promise has been settled whose followers must run first: then false. */
  #advance(): boolean {
    const { arrivalMs, count } = this.requests;
    const endMs = (arrivalMs[count - 1] ?? 0) + DRAIN_MS_MAX;
    if (this.#isTurnDue) this.#observe();
    this.#isTurnDue = false;
    while (this.outcomes.open > 0) {
      const next = this.#next;
      const arrivesMs = next < count ? (arrivalMs[next] ?? 0) : Infinity;
      if (arrivesMs <= this.queue.nextMs) {
        if (arrivesMs === Infinity) return true;
        this.nowMs = arrivesMs;
        if (next === count - 1) this.outcomes.backlog = this.fleet.inFlight.reduce((sum, one) => sum + one, 0);
        this.#note(EVENT.arrive, next, 0);
        this.router.arrive(next);
        this.#next += 1;
      } else {
        if (this.queue.nextMs > endMs) return true;
        this.queue.take();
        const { kind, a, b } = this.queue;
        this.nowMs = this.queue.atMs;
        this.#note(kind, a, b);
        this.#handle(kind, a, b);
      }
      if (this.#isTurnDue) return false;
      this.#observe();
    }
    return true;
  }

  // What a router may do.

  /** A promise has been settled: whatever follows from it happens now, before the next event. */
  turn(): void {
    this.#isTurnDue = true;
  }

  /** Keeps work that nobody awaits; what it throws ends the run. */
  spawn(work: Promise<unknown>): void {
    this.#isTurnDue = true;
    work.catch((error: unknown) => (this.#thrown ??= { error }));
  }

  /** Sends the request to an endpoint, from the edge of its client's region or from `via`. Returns the attempt. */
  dispatch(request: number, endpoint: number, via = this.requests.region[request] ?? 0): number {
    invariant(endpoint >= 0 && endpoint < this.scenario.endpoints.length, `no such endpoint: ${endpoint}`);
    invariant(this.outcomes.outcome[request] === OUTCOME.open, `request ${request} has its outcome`);
    const attempt = this.attempts.open(request, endpoint, via, this.nowMs);
    this.fleet.add("inFlight", endpoint, 1);
    this.fleet.add("queuedTokens", endpoint, this.requests.promptTokens[request] ?? 0);
    this.queue.push(this.nowMs + this.network.oneWayMs(via, this.regionOf(endpoint)), EVENT.reach, attempt);
    return attempt;
  }

  /** Refuses the request on purpose. */
  shed(request: number, retryAfterMs: number): void {
    invariant(retryAfterMs >= 0, "a client comes back later, not earlier");
    this.outcomes.settle(request, OUTCOME.shed);
  }

  /** Gives the request up after failures. */
  fail(request: number): void {
    this.outcomes.settle(request, OUTCOME.failed);
  }

  /** Gives an attempt up at once; the endpoint learns of it half a round trip later. */
  cancel(attempt: number): void {
    const edge = this.attempts.edge[attempt] ?? 0;
    if (edge !== EDGE.open && edge !== EDGE.firstToken) return;
    this.attempts.edge[attempt] = EDGE.cancelled;
    const region = this.regionOf(this.attempts.endpointOf(attempt));
    const delayMs = this.network.oneWayMs(this.attempts.via[attempt] ?? 0, region);
    this.queue.push(this.nowMs + delayMs, EVENT.cancel, attempt);
  }

  timer(delayMs: number, tag: number, value = 0): void {
    this.queue.push(this.nowMs + delayMs, EVENT.timer, tag, value);
  }

  /** A message of the router between regions; false when it is lost, which the sender cannot know in production. */
  send(from: number, to: number, value: number): boolean {
    if (this.network.loses(from, to)) return false;
    this.queue.push(this.nowMs + this.network.oneWayMs(from, to), EVENT.message, to, value);
    return true;
  }

  /** Starts the cold start of a cold endpoint, now; does nothing to others. */
  wakeUp(endpoint: number): void {
    if (!this.health.startWarming(endpoint)) return;
    this.outcomes.wakeUps += 1;
    this.queue.push(this.nowMs + (this.scenario.endpoints[endpoint]?.coldStartMs ?? 0), EVENT.warm, endpoint);
  }

  regionOf(endpoint: number): number {
    return this.scenario.endpoints[endpoint]?.region ?? 0;
  }

  /** Mean round trip of a client in `region` to the endpoint, ms. */
  tripMs(region: number, endpoint: number): number {
    return this.network.roundTripMs(region, this.regionOf(endpoint));
  }

  #note(kind: number, a: number, b: number): void {
    this.#kind = kind;
    this.#a = a;
    this.#b = b;
    this.hash.add(this.nowMs, kind, a, b);
  }

  #observe(): void {
    this.observer?.(this.#kind, this.#a, this.#b);
  }

  #handle(kind: number, a: number, b: number): void {
    switch (kind) {
      case EVENT.reach:
        return this.#life.reach(a);
      case EVENT.engine:
        return this.engines.wake(a, b);
      case EVENT.headers:
        return this.#life.headersBack(a);
      case EVENT.firstToken:
        return this.#life.firstTokenBack(a);
      case EVENT.end:
        return this.#life.endBack(a);
      case EVENT.failure:
        return this.#life.failureBack(a, b);
      case EVENT.cancel:
        return this.#life.cancelReached(a);
      case EVENT.timer:
        return this.router.onTimer?.(a, b);
      case EVENT.message:
        return this.router.onMessage?.(a, b);
      case EVENT.fault:
        return this.#fault(a, b === 1);
      case EVENT.warm:
        return this.health.becomeWarm(a);
      case EVENT.idle:
        return this.health.checkIdle(a);
      case EVENT.sample:
        this.shares.sample(this.fleet.inFlight);
        this.queue.push(this.nowMs + SAMPLE_MS, EVENT.sample);
        return undefined;
      default:
        return invariant(false, `no such event: ${kind}`);
    }
  }

  #fault(index: number, starts: boolean): void {
    const window = this.workload.faults[index];
    if (window === undefined) return;
    const { fault } = window;
    this.health.apply(fault, starts);
    if (fault.kind === "jitter") this.network.jitterSigma = starts ? fault.sigma : this.scenario.jitterSigma;
    if (fault.kind === "lost_messages") this.network.lossShare = starts ? fault.share : 0;
    if (fault.kind === "partition") {
      for (const region of fault.regions) {
        if (starts) this.network.cutOff.add(region);
        else this.network.cutOff.delete(region);
      }
    }
    if (fault.kind === "evict" && starts) for (const region of fault.regions) this.router.onEvict?.(region);
  }
}

/** Ends when every promise that could go on has gone on. */
const macrotask = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
