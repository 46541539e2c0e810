/**
 * Runs a pool's input rails over a body and says what may be sent on.
 *
 * Model. Two rails are in every bundle, `size` and `secrets`: a pool that uses no other is checked here, at a glance
 * (`rails/detectors/glance.ts`) as a rule. All other rails, and the engine that runs them beside each other and outside of the
 * isolate, are a part of the bundle that is loaded once for each isolate, and only where a config names one of them.
 * What `size` will refuse is refused before anything walks its texts, whatever else the pool uses.
 */
import { budgetOf } from "./core/budget.ts";
import { looksAt, railRecords } from "./core/engine.ts";
import type { RailRecord } from "./core/engine.ts";
import { railResult } from "./core/rail.ts";
import { fanIn } from "./core/verdict.ts";
import type { RailPolicy, RailResult } from "./core/verdict.ts";
import type { InputRailConfig, RailsConfig } from "../config/config.ts";
import type { Checked, InputCheck, InputRequest, RailsHost } from "./check.ts";
import { isSurelyPlain } from "./core/text/plain-text.ts";
import { isCleanRequest } from "./detectors/glance.ts";
import { surelyBeyond } from "./detectors/size/size-first.ts";
import type { EdgePool, Runtime } from "../dispatch/runtime.ts";
import type { Plan, PlainRail } from "./plain-check.ts";

type BeginStage = (typeof import("./stage.ts"))["beginStage"];

/** Of the part of the bundle with all other rails, once it is loaded. */
let begin: BeginStage | null = null;

/** Whose rails were looked at. */
let lookedAt: Runtime | null = null;

/** Begins to load what the config's rails need: a request that comes as the first should not wait twice. */
export function loadRails(runtime: Runtime): void {
  if (lookedAt === runtime) return;
  lookedAt = runtime;
  for (const { config } of runtime.pools.values()) {
    if (planOf(config.rails) === null) {
      void loadStage();
      return;
    }
  }
}

async function loadStage(): Promise<BeginStage> {
  const { beginStage } = await import("./stage.ts");
  begin = beginStage;
  return beginStage;
}

/** Null when a rail of the pool cannot run, which is in the log. A promise only while the rails are being loaded. */
export function beginCheck(
  host: RailsHost,
  pool: EdgePool,
  request: InputRequest,
): InputCheck | null | Promise<InputCheck | null> {
  const refused = refusedBySize(pool.config.rails.input, request);
  if (refused !== null) return { inside: refused, outside: null, stop: nothing };
  const plan = planOf(pool.config.rails);
  if (plan !== null) return checkPlan(plan, request);
  if (begin !== null) return begin(host, pool, request);
  return loadStage().then((beginStage) => beginStage(host, pool, request));
}

/** What is not clean at a glance is read in full, by a part of the bundle that is loaded when a text first needs it. */
function checkPlan(plan: Plan, request: InputRequest): InputCheck | Promise<InputCheck> {
  const unread = request.unread();
  const inFull = (check: CheckPlain): InputCheck => ({
    inside: check(plan, request, unread),
    outside: null,
    stop: nothing,
  });
  // It looks at a glance itself, and sees better.
  if (checkPlain !== null) return inFull(checkPlain);
  if (unread.reasons.length === 0 && isCleanRequest(request, plan.bounds, isSurelyPlain)) {
    return { inside: { ...plan.clean, body: request.body }, outside: null, stop: nothing };
  }
  return loadPlain().then(inFull);
}

type CheckPlain = (typeof import("./plain-check.ts"))["checkPlain"];

let checkPlain: CheckPlain | null = null;

async function loadPlain(): Promise<CheckPlain> {
  const loaded = await import("./plain-check.ts");
  checkPlain = loaded.checkPlain;
  return loaded.checkPlain;
}

const nothing = (): void => undefined;

/** A rail `size` that acts is asked before all others; null: it lets the body pass, or must see it in full. */
function refusedBySize(all: readonly InputRailConfig[], request: InputRequest): Checked | null {
  const { body, bodyBytesMax, everyMember, requestId, tenant } = request;
  for (const rail of all) {
    if (rail.use !== "size" || rail.action !== "block" || rail.shadow || !looksAt(rail, requestId, tenant)) continue;
    const reason = surelyBeyond(body, rail.options, everyMember, bodyBytesMax);
    if (reason === null) continue;
    const policies = all.filter((other) => looksAt(other, requestId, tenant)).map(policyOf);
    const results = [railResult(policyOf(rail), { spans: new Map(), reasons: [reason] }, 0)];
    return {
      verdict: fanIn(policies, results),
      body,
      originals: new Map(),
      records: recordsOf(policies, results),
      tookMs: 0,
    };
  }
  return null;
}

function policyOf({ name: rail, action, onError, onMedia, shadow }: InputRailConfig): RailPolicy {
  return { rail, action, onError, onMedia, shadow };
}

/** By the pool's list of rails, which lives as long as its config; null: it needs the engine. */
const plans = new WeakMap<readonly InputRailConfig[], Plan | null>();

function planOf({ input: rails, deadlineMs }: RailsConfig): Plan | null {
  const known = plans.get(rails);
  if (known !== undefined) return known;
  const plain = rails.filter(isPlain);
  const plan = plain.length === rails.length ? makePlan(plain, deadlineMs) : null;
  plans.set(rails, plan);
  return plan;
}

const isPlain = (rail: InputRailConfig): rail is PlainRail =>
  (rail.use === "size" || rail.use === "secrets") && rail.sample === 1 && rail.tenants === null;

function makePlan(rails: readonly PlainRail[], deadlineMs: number): Plan {
  const policies = rails.map(policyOf);
  const bySize = rails.toSorted((one, other) => Number(other.use === "size") - Number(one.use === "size"));
  const nothingFound = { spans: new Map(), reasons: [] };
  const results = policies.map((policy) => railResult(policy, nothingFound, 0));
  const steps = rails.flatMap(({ use, timeoutMs }) =>
    use === "secrets" ? [budgetOf(timeoutMs, deadlineMs).stepsLeft] : [],
  );
  const sizes = rails.flatMap((rail) => (rail.use === "size" ? [rail.options] : []));
  const least = (bounds: readonly number[]): number | null => (bounds.length === 0 ? null : Math.min(...bounds));
  return {
    rails: bySize.map((config) => ({ config, policy: policyOf(config) })),
    deadlineMs,
    policies,
    bounds: {
      charsMax: least(sizes.map(({ charsMax }) => charsMax)),
      messagesMax: least(sizes.map(({ messagesMax }) => messagesMax)),
      // Several share the deadline.
      stepsMax: least(steps.map((each) => each / steps.length)),
      secretsAllowed: rails.every(({ use }) => use !== "secrets"),
    },
    clean: {
      verdict: fanIn(policies, results),
      originals: new Map(),
      records: recordsOf(policies, results),
      tookMs: 0,
    },
  };
}

function recordsOf(rails: readonly RailPolicy[], results: readonly RailResult[]): readonly RailRecord[] {
  return railRecords({ rails, results: new Map(results.map((result) => [result.rail, result])) });
}
