/**
 * Decides what a stage of rails says as a whole.
 *
 * Model. Verdicts form a chain, allow < flag < redact < block, and a stage's verdict is the highest of its rails': a
 * join, so it does not matter which rail answered first. A rail that did not finish is never an allow: it is recorded
 * as skipped, and counts as a block if it fails closed. A rail in shadow is recorded and changes nothing.
 * Source: docs/reference/guardrails.md; docs/reference/sources.md, Failing open and closed (block fails closed, flag fails open).
 * Rejected: treating an error as a pass, which three of the gateways surveyed there do.
 */
import { mergeSpansByPath } from "./spans.ts";
import type { SpanAction, SpansByPath } from "./spans.ts";

export type Verdict = "allow" | SpanAction;

const RANK: Readonly<Record<Verdict, number>> = { allow: 0, flag: 1, redact: 2, block: 3 };

/** What the fan-in has to know of a rail besides its result. */
export type RailPolicy = {
  /** Name of the rail, unique in its stage. */
  readonly rail: string;
  readonly action: SpanAction;
  /**
   * When the rail does not finish: `open` lets the request through, `closed` blocks it. Default: closed iff action is
   * block.
   */
  readonly onError?: "open" | "closed";
  /** The same when it has read all but images, sound and the like, which no text holds. Default: as onError, else open. */
  readonly onMedia?: "open" | "closed";
  /** Record the verdict, never act on it. Default false. */
  readonly shadow?: boolean;
};

/**
 * `skipped`: cancelled because another rail had blocked, or never started. `unread`: finished, but something that the
 * rail must see could not be read, so what it found counts and what it did not find does not. `budget`: the same, because
 * it had no steps left.
 */
export type RailStatus = "done" | "unread" | "budget" | "skipped" | "error" | "timeout";

/** What such a rail found counts. */
export const hasFinished = (status: RailStatus): boolean =>
  status === "done" || status === "unread" || status === "budget";

export type RailResult = {
  readonly rail: string;
  readonly verdict: Verdict;
  readonly spans: SpansByPath;
  /** Machine-readable codes, such as "secrets:openai_key"; never a piece of the text. */
  readonly reasons: readonly string[];
  readonly status: RailStatus;
  /** `unread`: is it nothing but media. Absent: no. */
  readonly onlyMedia?: boolean;
  readonly tookMs: number;
};

type SkippedRail = {
  readonly rail: string;
  readonly status: Exclude<RailStatus, "done">;
  readonly applied: "open" | "closed";
};

export type StageVerdict = {
  readonly verdict: Verdict;
  /** Rails that said block, by name; if none did, those that failed closed. Empty unless the verdict is block. */
  readonly blockedBy: readonly string[];
  /** Merged spans of all rails that finished, also over a part of the body. */
  readonly spans: SpansByPath;
  readonly reasons: readonly string[];
  readonly skipped: readonly SkippedRail[];
  /** What the rails in shadow would have said, by name; null of one that did not finish. */
  readonly shadow: readonly { readonly rail: string; readonly verdict: Verdict | null }[];
};

/** The higher of two verdicts: associative, commutative, idempotent, with `allow` as its neutral element. */
export function joinVerdicts(one: Verdict, other: Verdict): Verdict {
  return RANK[one] >= RANK[other] ? one : other;
}

/** The lower of two verdicts: what is left of a claim under a cap. */
export function lowerVerdict(one: Verdict, other: Verdict): Verdict {
  return RANK[one] <= RANK[other] ? one : other;
}

/** What happens when this rail does not finish. */
function onErrorOf(policy: RailPolicy, onlyMedia: boolean): "open" | "closed" {
  if (onlyMedia) return policy.onMedia ?? policy.onError ?? "open";
  return policy.onError ?? (policy.action === "block" ? "closed" : "open");
}

/**
 * The verdict of a stage. Every policy counts: one without a result is a skipped rail. Results of rails without a
 * policy are ignored. The order of either list does not matter.
 */
export function fanIn(policies: readonly RailPolicy[], results: readonly RailResult[]): StageVerdict {
  const acting = policies.filter(({ shadow }) => shadow !== true);
  const judged = acting.map((policy) => judge(policy, results));
  const blocking = judged.filter(({ verdict }) => verdict === "block");
  const failedClosed = judged.filter(({ skipped }) => skipped?.applied === "closed");
  const blockers = blocking.length > 0 ? blocking : failedClosed;
  const joined = judged.reduce<Verdict>((verdict, one) => joinVerdicts(verdict, one.verdict), "allow");
  return {
    verdict: failedClosed.length > 0 ? "block" : joined,
    blockedBy: sortedSet(blockers.map(({ rail }) => rail)),
    spans: mergeSpansByPath(judged.flatMap(({ done }) => done.map(({ spans }) => spans))),
    reasons: sortedSet(judged.flatMap(({ done }) => done.flatMap(({ reasons }) => reasons))),
    skipped: byRail(judged.flatMap(({ skipped }) => (skipped === null ? [] : [skipped]))),
    shadow: byRail(
      policies
        .filter(({ shadow }) => shadow === true)
        .map((policy) => judge(policy, results))
        .map(({ rail, verdict, skipped }) => ({ rail, verdict: skipped === null ? verdict : null })),
    ),
  };
}

type Judgement = {
  readonly rail: string;
  readonly verdict: Verdict;
  readonly done: readonly RailResult[];
  readonly skipped: SkippedRail | null;
};

/** Several results of one rail are joined; if any of them did not finish, the rail did not. */
function judge(policy: RailPolicy, results: readonly RailResult[]): Judgement {
  const { rail } = policy;
  const own = results.filter((result) => result.rail === rail);
  const done = own.filter(({ status }) => hasFinished(status));
  const statuses = own.map(({ status }) => status);
  const failure = (["error", "timeout", "skipped", "budget", "unread"] as const).find((status) =>
    statuses.includes(status),
  );
  const status = failure ?? (done.length === 0 ? "skipped" : null);
  const onlyMedia = status === "unread" && own.every((result) => result.onlyMedia === true);
  return {
    rail,
    verdict: done.reduce<Verdict>((verdict, one) => joinVerdicts(verdict, one.verdict), "allow"),
    done,
    skipped: status === null ? null : { rail, status, applied: onErrorOf(policy, onlyMedia) },
  };
}

function sortedSet(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

function byRail<Item extends { readonly rail: string }>(items: readonly Item[]): Item[] {
  return items.toSorted((one, other) => (one.rail < other.rail ? -1 : Number(one.rail > other.rail)));
}
