/**
 * Decides how a stage of rails runs: which rails look at a request, which may start, when the stage is over,
 * and what is recorded of each.
 *
 * Model. All rails start together: those inside the isolate end at once, those outside run at most `atOnceMax` at a
 * time, first come first served, because a Worker waits for six connections only and the dispatch needs its own. The
 * stage is over when an acting rail has said block, or when all have ended. What a rail said before that counts, what
 * it says later does not; a rail that has not ended is skipped, never an allow. A rail that fails closed does not end
 * the stage: another may still block, which is final, where a failure may be gone in a second. So the answer is the
 * same for every order in which rails end, but for one thing that no order can save: when several outside rails would
 * block, the first one names itself and the others were stopped.
 * Source: docs/reference/guardrails.md; docs/reference/sources.md, Streams under guardrails (the first unsafe answer cancels the rest).
 * Rejected: waiting for all to name every blocker, which gives away the time that a first block saves.
 */
import { invariant } from "../../lib/invariant.ts";
import { fanIn, hasFinished } from "./verdict.ts";
import type { RailPolicy, RailResult, RailStatus, StageVerdict, Verdict } from "./verdict.ts";

/** Outside rails of one request that may wait for an answer at a time. Of six connections the others are for the lease,
 * the dispatch and the hedge. */
export const OUTSIDE_AT_ONCE_MAX = 3;

export type StageRail = RailPolicy & { readonly place: "inside" | "outside" };

export type Stage = {
  readonly rails: readonly StageRail[];
  readonly atOnceMax: number;
  readonly results: Map<string, RailResult>;
  /** Outside rails that have not started, in the order of the config. */
  readonly waiting: string[];
  readonly running: Set<string>;
  isOver: boolean;
};

/** What is told of one rail. */
export type RailRecord = {
  readonly rail: string;
  /** null: it did not finish, or found nothing in the part that it could read. */
  readonly verdict: Verdict | null;
  readonly status: RailStatus;
  readonly shadow: boolean;
  readonly tookMs: number;
  /** What it found, as codes such as "secrets:openai_key". */
  readonly reasons: readonly string[];
};

/** `rails` have different names. */
export function createStage(rails: readonly StageRail[], atOnceMax = OUTSIDE_AT_ONCE_MAX): Stage {
  invariant(atOnceMax >= 1, "at least one outside rail may run");
  const waiting = rails.filter(({ place }) => place === "outside").map(({ rail }) => rail);
  return { rails, atOnceMax, results: new Map(), waiting, running: new Set(), isOver: rails.length === 0 };
}

/** Outside rails to start now. Ask once the inside rails have ended, and whenever a rail has. */
export function takeStartable(stage: Stage): readonly string[] {
  if (stage.isOver) return [];
  const started = stage.waiting.splice(0, Math.max(0, stage.atOnceMax - stage.running.size));
  for (const rail of started) stage.running.add(rail);
  return started;
}

/** A rail has ended, finished or not. Ignored once the stage is over, and for a rail that has ended before. */
export function railEnded(stage: Stage, result: RailResult): void {
  if (stage.isOver || stage.results.has(result.rail)) return;
  const policy = stage.rails.find(({ rail }) => rail === result.rail);
  invariant(policy !== undefined, "a result belongs to a rail of the stage");
  stage.results.set(result.rail, result);
  stage.running.delete(result.rail);
  const at = stage.waiting.indexOf(result.rail);
  if (at >= 0) stage.waiting.splice(at, 1);
  stage.isOver = endsStage(policy, result) || stage.results.size === stage.rails.length;
}

/** A block of a rail that acts: no other can change the verdict. */
export function endsStage({ shadow }: RailPolicy, { status, verdict }: RailResult): boolean {
  return status === "done" && verdict === "block" && shadow !== true;
}

/** Nothing that comes from now on counts: the client has left, or the request was answered. */
export function endStage(stage: Stage): void {
  stage.isOver = true;
}

/** By what has ended so far. */
export function stageVerdict({ rails, results }: Stage): StageVerdict {
  return fanIn(rails, [...results.values()]);
}

/** Of the inside rails alone, while those outside are still asked. */
export function insideVerdict({ rails, results }: Stage): StageVerdict {
  return fanIn(
    rails.filter(({ place }) => place === "inside"),
    [...results.values()],
  );
}

/** One record a rail, in the order of the config. */
export function railRecords({
  rails,
  results,
}: {
  readonly rails: readonly RailPolicy[];
  readonly results: ReadonlyMap<string, RailResult>;
}): readonly RailRecord[] {
  return rails.map(({ rail, shadow }) => {
    const result = results.get(rail);
    const status = result?.status ?? "skipped";
    const said = result?.verdict ?? null;
    const verdict = status === "done" || (hasFinished(status) && said !== "allow") ? said : null;
    const { tookMs = 0, reasons = [] } = result ?? {};
    return { rail, verdict, status, shadow: shadow === true, tookMs, reasons };
  });
}

/** Which requests a rail looks at. */
export type RailScope = {
  readonly name: string;
  /** Share of requests, 0 to 1. */
  readonly sample: number;
  /** null: all. */
  readonly tenants: readonly string[] | null;
};

/** A function of the request id, so that a request can be judged again as it was. */
export function looksAt({ name, sample, tenants }: RailScope, requestId: string, tenant: string): boolean {
  if (tenants !== null && !tenants.includes(tenant)) return false;
  return sample >= 1 || shareOf(`${name}\n${requestId}`) < sample;
}

/** A number in [0, 1) that is spread evenly: FNV-1a, then the finish of MurmurHash3, whose bits all depend on all. */
function shareOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
