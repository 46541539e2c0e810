/**
 * Decides how a routing decision is written into one response header: compact JSON, ASCII, and never too long.
 *
 * Model. It says which endpoint answered, and why; what the router itself chose (another one, if a hedge
 * answered); where the request stood in line, if it was held; and then the candidates from the lowest cost up,
 * each with its terms in ms and what it lost to. Candidates that do not fit are counted, never cut in half: the
 * value is JSON at any length.
 * Rejected: structured fields (RFC 9651), which no client parses by itself.
 */
import type { Leased } from "../../routing/core/lease-client/edge-lease.ts";
import type { RailRecord } from "../../rails/core/engine.ts";
import { candidateRows } from "../../sight/candidate-rows.ts";
import type { AttemptRecord } from "../../sight/core/record.ts";
import { wordOf } from "../../rails/rail-headers.ts";

/** Proxies on the way often hold all headers of an answer in 8 KiB; this may take half of that. Bytes. */
export const DECISION_BYTES_MAX = 4_096;

export type DecisionMade = {
  /** The endpoint that answered. */
  readonly endpointId: string;
  /** As in `x-warmpath-reason`. */
  readonly reason: string;
  readonly attempts: number;
  /** The lease that the router decided; with a hedge, another endpoint may have answered. */
  readonly decision: Pick<Leased, "heldLease" | "reason" | "candidates" | "line">;
  /** What the input rails said, at most as many as a stage may have. */
  readonly rails?: readonly RailRecord[];
  /** Attempts before it that did not become the answer, in order. */
  readonly lost?: readonly LostAttempt[];
};

type LostAttempt = Pick<AttemptRecord, "endpoint" | "status" | "lost" | "said">;

/** The header's value: printable ASCII, DECISION_BYTES_MAX at most. */
export function decisionHeader({
  endpointId,
  reason,
  attempts,
  decision,
  rails = [],
  lost = [],
}: DecisionMade): string {
  const chosen = decision.heldLease.grant.endpointId;
  const rows = candidateRows(decision).map((row) => ascii(JSON.stringify(row)));
  const head = ascii(
    JSON.stringify({
      endpoint: endpointId,
      reason,
      attempts,
      chosen,
      ...stood(decision),
      ...told(rails),
      ...lostBefore(lost),
    }),
  ).slice(0, -1);
  // The longest tail there can be: every candidate left out.
  let leftBytes = DECISION_BYTES_MAX - head.length - tail([], rows.length).length;
  const kept: string[] = [];
  for (const json of rows) {
    leftBytes -= json.length + 1;
    if (leftBytes < 0) break;
    kept.push(json);
  }
  return head + tail(kept, rows.length - kept.length);
}

function stood({ line = null }: DecisionMade["decision"]) {
  if (line === null) return {};
  const { priority, waiting, ahead, waitMs, waitedMs } = line;
  return { line: { priority, waiting, ahead, expectedMs: tenths(waitMs), waitedMs: tenths(waitedMs) } };
}

function told(rails: readonly RailRecord[]) {
  if (rails.length === 0) return {};
  return {
    rails: rails.map(({ rail, status, verdict, shadow, tookMs }) => ({
      rail,
      said: wordOf({ verdict, status }),
      ms: tookMs,
      ...(status === "error" || status === "timeout" ? { status } : {}),
      ...(shadow ? { shadow } : {}),
    })),
  };
}

function lostBefore(attempts: readonly LostAttempt[]) {
  if (attempts.length === 0) return {};
  return { lost: attempts.map(({ endpoint, status, lost, said }) => ({ endpoint, status, lost, said })) };
}

const tail = (kept: readonly string[], leftOut: number): string =>
  `,"candidates":[${kept.join(",")}]${leftOut === 0 ? "" : `,"leftOut":${leftOut}`}}`;

const tenths = (ms: number): number => Math.round(ms * 10) / 10;

/** A header's value is bytes: what is not printable ASCII is written as JSON escapes. */
function ascii(json: string): string {
  return json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
