/**
 * Runs the input rails of a pool that uses more than the two that every pool has. This file, all that it imports and the
 * libraries behind it are a part of the bundle that is loaded when a config needs it (`input-rails.ts`).
 *
 * `rails/core/engine.ts` decides; here are the calls, the timers and the signals. A rail's time begins with the stage, so
 * one that waits for its turn spends it: what counts is how long the client waits.
 */
import {
  createStage,
  endStage,
  insideVerdict,
  looksAt,
  railEnded,
  railRecords,
  stageVerdict,
  takeStartable,
} from "./core/engine.ts";
import type { Stage, StageRail } from "./core/engine.ts";
import { budgetOf, spend } from "./core/budget.ts";
import type { Budget } from "./core/budget.ts";
import { maskParts, redactBody } from "./core/engine-outcome.ts";
import type { OutsideAnswer } from "./core/outside-answers.ts";
import { isAside, railResult, unreadBy } from "./core/rail.ts";
import type { RailInput, UnseenReason } from "./core/rail.ts";
import { createForms } from "./core/text/normalise.ts";
import { extractTextParts } from "./core/text/text-parts.ts";
import { lowerVerdict } from "./core/verdict.ts";
import type { RailResult, RailStatus, StageVerdict } from "./core/verdict.ts";
import type { InputRailConfig } from "../config/config.ts";
import type { RailsHost } from "./check.ts";
import type { EdgePool } from "../dispatch/runtime.ts";
import type { Checked, InputCheck, InputRequest } from "./check.ts";
import { outsideRail } from "./remote/outside-rails.ts";
import { inputSide, problemOf } from "./registry.ts";
import type { InsideRail } from "./registry.ts";
import type { OutsideRail } from "./remote/outside.ts";

type Prepared = {
  readonly config: InputRailConfig;
  readonly policy: StageRail;
  readonly inside: InsideRail | null;
  readonly outside: OutsideRail | null;
};

/** By the pool's list of rails, which lives as long as its config; null: one of them cannot run. */
const prepared = new WeakMap<readonly InputRailConfig[], readonly Prepared[] | null>();

/** Runs the rails inside at once and begins those outside; null when a rail of the pool cannot run, which is logged. */
export function beginStage(host: RailsHost, pool: EdgePool, request: InputRequest): InputCheck | null {
  const startedAtMs = Date.now();
  const all = preparedOf(host, pool);
  if (all === null) return null;
  const rails = all.filter(({ config }) => looksAt(config, request.requestId, request.tenant));
  const texts = extractTextParts(request.body, request.everyMember, request.unread(), request.beside);
  const input: RailInput = { ...texts, forms: createForms() };
  const stage = createStage(rails.map(({ policy }) => policy));
  const run: Run = { stage, rails, input, request, startedAtMs };
  const shared = budgetOf(pool.config.rails.deadlineMs);
  for (const rail of cheapestFirst(rails)) {
    if (stage.isOver) break;
    if (rail.inside !== null) railEnded(stage, runInside(rail, rail.inside, { input, request, shared }));
  }
  if (stage.isOver) return { inside: concluded(run, stageVerdict(stage)), outside: null, stop: () => undefined };
  const inside = concluded(run, insideVerdict(stage));
  const masked: RailInput = { ...input, parts: maskParts(input.parts, inside.verdict.spans) };
  const calls = new OutsideRun(stage, rails, { host, pool, request, input: masked, startedAtMs });
  const outside = calls.ended.then(() => {
    const verdict = stageVerdict(stage);
    return outsideRedacts(stage) ? concluded(run, verdict) : { ...inside, ...toldOf(run, verdict) };
  });
  return { inside, outside, stop: () => calls.stop() };
}

function preparedOf(host: RailsHost, pool: EdgePool): readonly Prepared[] | null {
  const { input } = pool.config.rails;
  const known = prepared.get(input);
  if (known !== undefined) return known;
  const made = prepare(host, pool);
  prepared.set(input, made);
  return made;
}

function prepare(host: RailsHost, { config: pool }: EdgePool): readonly Prepared[] | null {
  const all: Prepared[] = [];
  for (const config of pool.rails.input) {
    const side = inputSide(config);
    const env = host.env as unknown as Readonly<Record<string, unknown>>;
    const outside = outsideRail(config, env);
    const problem = problemOf(config) ?? (typeof outside === "string" ? outside : null);
    if (problem !== null || typeof outside === "string") {
      console.error(`pool ${pool.id}, rail ${config.name}: ${problem}`);
      return null;
    }
    const { name: rail, action, onError, onMedia, shadow } = config;
    const policy: StageRail = { rail, action, onError, onMedia, shadow, place: side.place };
    // Made only now: what a library cannot read has been told before.
    all.push({ config, policy, inside: side.place === "inside" ? side.make(config) : null, outside });
  }
  return all;
}

/** A rail that is not here is the dearest. Ordinary text: `npm run bench:rails`. */
const BY_COST: readonly string[] = [
  "size",
  "links",
  "unicode",
  "pii",
  "profanity",
  "secrets",
  "topics",
  "tokens",
  "injection",
];

/** A block of a cheap rail saves the dear ones. The verdict is the same in any order. */
const cheapestFirst = (rails: readonly Prepared[]): readonly Prepared[] => {
  const costOf = ({ config }: Prepared): number => {
    const at = BY_COST.indexOf(config.use);
    return at < 0 ? BY_COST.length : at;
  };
  return rails.toSorted((one, other) => costOf(one) - costOf(other));
};

type Inside = { readonly input: RailInput; readonly request: InputRequest; readonly shared: Budget };

function runInside(rail: Prepared, run: InsideRail, { input, request, shared }: Inside): RailResult {
  const { config, policy } = rail;
  const startedAtMs = Date.now();
  try {
    const found = spend(shared, config.timeoutMs, (budget) => run(input, request, budget));
    return railResult(policy, found, Date.now() - startedAtMs, unreadBy(config.use, input.unseen));
  } catch (error) {
    // A rail that breaks has not allowed anything: the fan-in applies its rule for errors.
    console.error(`rail ${policy.rail} failed`, error);
    return unfinished(policy.rail, "error", Date.now() - startedAtMs);
  }
}

function unfinished(rail: string, status: RailStatus, tookMs: number): RailResult {
  return { rail, verdict: "allow", spans: new Map(), reasons: [], status, tookMs };
}

type Asked = {
  readonly host: RailsHost;
  readonly pool: EdgePool;
  readonly request: InputRequest;
  readonly input: RailInput;
  readonly startedAtMs: number;
};

/** The rails outside, from the first to the end of the stage. */
class OutsideRun {
  readonly ended: Promise<void>;
  readonly #stage: Stage;
  readonly #asked: Asked;
  readonly #rails: ReadonlyMap<string, Prepared>;
  readonly #calls = new Map<string, AbortController>();
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  readonly #settle: () => void;

  constructor(stage: Stage, rails: readonly Prepared[], asked: Asked) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#settle = resolve;
    this.#stage = stage;
    this.#asked = asked;
    this.#rails = new Map(rails.map((rail) => [rail.policy.rail, rail]));
    const { deadlineMs } = asked.pool.config.rails;
    for (const { config, outside } of rails) {
      if (outside === null) continue;
      const limitMs = Math.min(config.timeoutMs, deadlineMs);
      this.#timers.push(setTimeout(() => this.#end(config.name, unfinished(config.name, "timeout", limitMs)), limitMs));
    }
    asked.request.clientGone.addEventListener("abort", () => this.stop());
    this.#startNext();
  }

  stop(): void {
    if (this.#stage.isOver) return;
    endStage(this.#stage);
    this.#finish();
  }

  #startNext(): void {
    for (const name of takeStartable(this.#stage)) {
      const rail = this.#rails.get(name);
      if (rail?.outside !== undefined && rail.outside !== null) void this.#call(rail, rail.outside);
    }
  }

  async #call({ config, policy }: Prepared, ask: OutsideRail): Promise<void> {
    const { host, pool, request, input, startedAtMs } = this.#asked;
    const controller = new AbortController();
    this.#calls.set(policy.rail, controller);
    const { requestId, tenant } = request;
    try {
      // Models judge what is said, and ids or names of members are no part of it; a policy may be about those.
      const parts = config.use === "webhook" ? input.parts : input.parts.filter((part) => !isAside(part));
      const asked = { host, pool: pool.config.id, requestId, tenant, input: { ...input, parts } };
      const answer = await ask({ ...asked, signal: controller.signal });
      const unread = unreadBy(config.use, input.unseen);
      this.#end(policy.rail, resultOf(policy, answer, Date.now() - startedAtMs, unread));
    } catch (error) {
      // One that was stopped has not failed.
      if (!controller.signal.aborted) console.error(`rail ${policy.rail} failed`, error);
      this.#end(policy.rail, unfinished(policy.rail, "error", Date.now() - startedAtMs));
    }
  }

  #end(rail: string, result: RailResult): void {
    if (this.#stage.isOver || this.#stage.results.has(rail)) return;
    railEnded(this.#stage, result);
    // Of no effect on a call that has ended; closes the connection of one that has not.
    this.#calls.get(rail)?.abort();
    if (this.#stage.isOver) this.#finish();
    else this.#startNext();
  }

  #finish(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const controller of this.#calls.values()) controller.abort();
    this.#settle();
  }
}

/** What a service says counts for no more than the rail's action. A redaction without a place is a flag. */
function resultOf(
  policy: StageRail,
  { verdict, findings }: OutsideAnswer,
  tookMs: number,
  unread: readonly UnseenReason[],
): RailResult {
  const capped = lowerVerdict(verdict, policy.action);
  if (capped === "allow") return railResult(policy, { spans: new Map(), reasons: [] }, tookMs, unread);
  const action = capped === "redact" && findings.spans.size === 0 ? "flag" : capped;
  const reasons = findings.reasons.length > 0 ? findings.reasons : [`${policy.rail}:${action}`];
  return railResult({ ...policy, action }, { ...findings, reasons }, tookMs, unread);
}

type Run = {
  readonly stage: Stage;
  readonly rails: readonly Prepared[];
  readonly input: RailInput;
  readonly request: InputRequest;
  readonly startedAtMs: number;
};

function concluded(run: Run, verdict: StageVerdict): Checked {
  const personal = run.rails.flatMap(({ config }) => (config.use === "pii" ? [config] : []));
  const names = new Set(personal.map(({ name }) => name));
  const { body, originals } = redactBody(run.request.body, run.input, verdict, names);
  const restores = personal.some(({ options, shadow }) => options.restore && !shadow);
  return { ...toldOf(run, verdict), body, originals: restores ? originals : new Map() };
}

function toldOf({ stage, startedAtMs }: Run, verdict: StageVerdict) {
  return { verdict, records: railRecords(stage), tookMs: Date.now() - startedAtMs };
}

function outsideRedacts({ rails, results }: Stage): boolean {
  return rails.some(({ rail, place, shadow }) => {
    const result = results.get(rail);
    return place === "outside" && shadow !== true && result?.verdict === "redact" && result.spans.size > 0;
  });
}
